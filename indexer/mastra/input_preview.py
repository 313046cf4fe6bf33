"""What the user said to an agent, in a line: the preview of an input in a list."""

from collections.abc import Iterator
from typing import Any

PREVIEW_LENGTH_MAX = 100
"""Characters, as Mastra's lists have them."""
_ELLIPSIS = "…"


def input_preview(value: Any) -> str | None:
    """Text of the user's messages in an input, or an input that is text; None without any."""
    texts = [value] if isinstance(value, str) else list(_user_texts(value))
    joined = " | ".join(text for text in texts if text)
    if not joined:
        return None
    if len(joined) <= PREVIEW_LENGTH_MAX:
        return joined
    return joined[: PREVIEW_LENGTH_MAX - 1] + _ELLIPSIS


def _user_texts(value: Any) -> Iterator[str]:
    messages = value.get("messages") if isinstance(value, dict) else value
    if isinstance(messages, str):
        yield messages
    if not isinstance(messages, list):
        return
    for message in messages:
        if isinstance(message, dict) and message.get("role") == "user":
            yield from _texts(message.get("content"))


def _texts(content: Any) -> Iterator[str]:
    """Of a message: text itself, or the parts of it that are text, wherever they are."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        yield from _texts(content.get("parts", content.get("content")))
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                yield part
            elif isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]

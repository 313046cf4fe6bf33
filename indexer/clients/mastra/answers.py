"""Answers as Mastra's server writes them: its names, and times as JavaScript does."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from indexer.clients.shared.json_text import as_json_with

MICROSECONDS_OF_MILLISECOND = 1_000


def answer(content: BaseModel | dict[str, Any], *, is_whole: bool = True) -> Response:
    """A record, or an object, as JSON; a header says of a list that it may lack some."""
    value = content.model_dump(by_alias=True) if isinstance(content, BaseModel) else content
    headers = {} if is_whole else {"X-Complete": "false"}
    return Response(as_json_with(value, _time), headers=headers, media_type="application/json")


def _time(value: object) -> str:
    """ISO 8601 in UTC: milliseconds, as JavaScript has them, unless there is more to say."""
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    exact = value.microsecond % MICROSECONDS_OF_MILLISECOND
    text = value.isoformat(timespec="microseconds" if exact else "milliseconds")
    return text.removesuffix("+00:00") + "Z"

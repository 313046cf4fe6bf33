"""What is in an answer reaches its reader, whatever text it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from indexer.clients.shared.json_response import encoded


@pytest.mark.parametrize("text", ["\ud800", "Zo\u00eb \U0001f600", "\x1b\x9b\u202e\n"])
def test_any_text_is_answered(text: str) -> None:
    """JSON may have half of a surrogate pair, which UTF-8 has not."""
    content: dict[str, Any] = {"name": text, text: [text]}
    assert json.loads(bytes(encoded(content).body)) == content

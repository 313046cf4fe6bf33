"""What is in an answer reaches its reader, whatever text it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from indexer.clients.shared.json_text import as_json


@pytest.mark.parametrize("text", ["\ud800", "Zo\u00eb \U0001f600", "\x1b\x9b\u202e\n"])
def test_any_text_is_answered(text: str) -> None:
    """JSON may have half of a surrogate pair, which UTF-8 has not."""
    content: dict[str, Any] = {"name": text, text: [text]}
    assert json.loads(as_json(content)) == content


def test_a_time_is_answered_with_microseconds_and_its_offset() -> None:
    """Zeros as well: every time has the same length."""
    content = {"indexed_at": datetime(2026, 11, 18, 11, tzinfo=UTC)}
    assert as_json(content) == b'{"indexed_at":"2026-11-18T11:00:00.000000+00:00"}'


def test_what_has_no_form_in_json_is_a_fault() -> None:
    with pytest.raises(TypeError, match="bytes"):
        as_json({"raw": b"\x00"})

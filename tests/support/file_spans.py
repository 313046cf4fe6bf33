"""The canonical spans of one file, as a trace shows them, without a catalog between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from indexer.read.dialect_document import dialects
from indexer.read.metadata import batch, read_file
from indexer.read.payload import read_payload
from indexer.read.span_payload import span_payload
from indexer.system.storage import LocalStorage

WRITERS = Path(__file__).parents[1] / "data" / "writers"
"""Files of other writers, one folder a kind."""
METADATA = ("trace_id", "span_id", "parent_span_id", "service_name", "name", "status_code")
METADATA += ("start_time_unix_nano", "duration_ns")
DROPPED = "droppedAttributesCount"


def spans_of(root: Path, relative_path: str) -> list[dict[str, Any]]:
    """Every span of the file in order of its row, in the columns of ``otel_spans``.

    Raises what indexing the file or reading its payload raises.
    """
    storage = LocalStorage(root)
    entry = storage.stat(relative_path)
    assert entry is not None, relative_path
    (file,) = batch([read_file(storage, entry.info)]).files
    named = {dialect.name: dialect for dialect in dialects()}
    found = sorted(file.spans.rows(), key=lambda span: span.file_row_number)
    rows = [span.file_row_number for span in found]
    stored = read_payload(storage, entry.info, named[file.dialect], rows)
    spans = [
        {name: getattr(span, name) for name in METADATA}
        | {"kind": span.span_kind}
        | span_payload(payload)
        for span, payload in zip(found, stored, strict=True)
    ]
    json.dumps(spans, ensure_ascii=False, allow_nan=False).encode()  # an answer is valid JSON
    return spans


def differences(
    found: list[dict[str, Any]], expected: list[dict[str, Any]], *, counts: bool = False
) -> list[str]:
    """Where the spans are not those expected, in the columns that are expected.

    What a writer leaves out may be NULL, empty text or an empty list; without ``counts``, a
    dropped count of 0 too.
    """
    if len(found) != len(expected):
        return [f"{len(found)} spans, not {len(expected)}"]
    by_id = {(span["trace_id"], span["span_id"]): span for span in found}
    wrong = []
    for right in expected:
        span = by_id.get((right["trace_id"], right["span_id"]))
        if span is None:
            wrong.append(f"no span {right['trace_id']}/{right['span_id']}")
            continue
        wrong += [
            f"{right['span_id']} {name}: {span.get(name)!r}, not {value!r}"
            for name, value in right.items()
            if _said(span.get(name), counts=counts) != _said(value, counts=counts)
        ]
    return wrong


def known_attributes(
    found: list[dict[str, Any]], right: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The spans found with the attributes alone that the right ones have."""
    keys = {(one["trace_id"], one["span_id"]): one["attributes"].keys() for one in right}
    return [
        span | {"attributes": {key: span["attributes"].get(key) for key in keys.get(_id(span), ())}}
        for span in found
    ]


def _id(span: dict[str, Any]) -> tuple[str, str]:
    return span["trace_id"], span["span_id"]


def _said(value: Any, *, counts: bool) -> Any:
    """The value without what says nothing; numbers keep their kind, true is not 1."""
    if isinstance(value, list):
        return [_said(one, counts=counts) for one in value] or None
    if isinstance(value, dict):
        return {
            key: _said(one, counts=counts)
            for key, one in value.items()
            if key != DROPPED or counts or one
        }
    return None if value in (None, "") else (type(value).__name__, value)

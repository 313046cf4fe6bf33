"""Rows are the same whatever was learnt of their row group before, and by whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from indexer.parquet.footer import digest_of, footer_bytes
from indexer.read.dialect_document import dialects
from indexer.read.payload import read_payload
from indexer.spans.limits import SpanLimits
from tests.read.read_back import put
from tests.support.span_files import Span, parquet_bytes

DIALECT = next(one for one in dialects() if one.name == "junjo-14")
TEXTS = ['{"a":1}'] * 4 + ['{"a":1}', '{"b":2}', "{}", "{}"] + ["{}"] * 4
"""Of a row group that has one, of one that has three, of one that has none."""


@pytest.mark.parametrize("is_footer_known", [False, True])
def test_a_row_is_the_same_each_time(tmp_path: Path, is_footer_known: bool) -> None:
    spans = [Span(span=at + 1, attributes=text) for at, text in enumerate(TEXTS)]
    storage, info = put(tmp_path, parquet_bytes(spans, row_group_size=4))
    with storage.open(info) as source:
        digest = digest_of(footer_bytes(source, info.relative_path)) if is_footer_known else None
    column = next(one for one in DIALECT.payload if one.name == "attributes")
    attributes = replace(DIALECT, payload=(column,))
    first = read_payload(storage, info, DIALECT, range(12), footer_digest=digest)
    assert [row["attributes"] for row in first] == TEXTS
    for _ in range(3):
        for at in (0, 5, 11, 4):
            assert read_payload(storage, info, DIALECT, [at], footer_digest=digest) == [first[at]]
        (some,) = read_payload(storage, info, attributes, [5], footer_digest=digest)
        assert some["attributes"] == TEXTS[5]
        limited = SpanLimits(attributes=0)
        (cut,) = read_payload(storage, info, DIALECT, [0], limits=limited, footer_digest=digest)
        assert cut["attributes"] != first[0]["attributes"]

"""A row's canonical payload is the same as if it were made of that row alone, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.parquet.footer import digest_of, footer_bytes
from indexer.read.canonical_payload import read_canonical_payload
from indexer.read.dialect_document import dialects
from indexer.read.payload import read_payload
from indexer.read.span_payload import span_payload
from indexer.read.stored_objects import MISSES_FIRST, StoredObject, StoredObjects
from indexer.read.tally import Tally
from indexer.spans.limits import SPAN_LIMITS, SpanLimits
from indexer.spans.payload import Payload
from tests.read.read_back import put
from tests.read.test_span_payload import SMALL, heavy
from tests.support.dialect_files import LAYOUTS
from tests.support.span_files import Span, parquet_bytes

NAMED = {dialect.name: dialect for dialect in dialects()}
SPANS = [heavy(*counts) for counts in ((0, 0, 0, 0), (1, 0, 3, 1), (1, 0, 3, 1), (6, 5, 7, 2))]
TEXTS = ["{}", '{"a":1}', "[]", "no JSON", '{"a":NaN}', '[{"key":"k","value":{"intValue":"1"}}]']


def with_values(payload: Payload) -> Payload:
    attributes = payload.attributes
    is_text = isinstance(attributes, StoredObject)
    return payload._replace(attributes=attributes.value) if is_text else payload


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("limits", [SPAN_LIMITS, SMALL])
def test_of_every_writer(tmp_path: Path, layout: str, limits: SpanLimits) -> None:
    """Of spans that are alike, that differ, and beyond the limits; asked again and again."""
    name, _, make = LAYOUTS[layout]
    content = parquet_bytes(make([*SPANS, *reversed(SPANS)]), row_group_size=4)
    storage, info = put(tmp_path, content)
    expected = [
        Payload(**span_payload(one, limits))
        for one in read_payload(storage, info, NAMED[name], range(8), limits=limits)
    ]
    for rows in ([0, 3], [7, 2, 5], range(8), range(8)):
        tally, alone = Tally(), Tally()
        found = read_canonical_payload(storage, info, NAMED[name], rows, tally, limits)
        assert found == [expected[row] for row in rows]
        read_payload(storage, info, NAMED[name], rows, alone, limits)
        assert tally.text_bytes == alone.text_bytes
    stored = StoredObjects()
    for _ in range(3 * MISSES_FIRST):
        found = read_canonical_payload(
            storage, info, NAMED[name], range(8), Tally(), limits, stored=stored
        )
        assert [with_values(one) for one in found] == expected


@pytest.mark.parametrize("column", ["attributes", "events", "resource"])
def test_of_columns_that_rows_have_in_common(tmp_path: Path, column: str) -> None:
    """Each value for all rows of a row group, and in a row group of all of them."""
    values = [text for text in TEXTS for _ in range(4)] + TEXTS
    spans = [Span(span=at + 1, **{column: text}) for at, text in enumerate(values)]
    storage, info = put(tmp_path, parquet_bytes(spans, row_group_size=4))
    with storage.open(info) as source:
        digest = digest_of(footer_bytes(source, info.relative_path))
    for known in (None, digest):
        for rows in ([1], [25, 26, 2], range(len(values)), range(len(values))):
            found = read_canonical_payload(
                storage, info, NAMED["junjo-14"], rows, Tally(), footer_digest=known
            )
            stored = read_payload(storage, info, NAMED["junjo-14"], rows, footer_digest=known)
            assert found == [Payload(**span_payload(one)) for one in stored]

"""A few hot spans that are values: what is said of them is what is said of them as a table.

Columns are read as those of a file are, in two milliseconds however few their rows are.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from indexer.query.span import HotValues, Span
from indexer.read.canonical_payload import canonical_payloads
from indexer.read.limits import TEXT_BYTES_MAX
from indexer.read.normalise import JSON_COLUMNS, empty
from indexer.read.part import Part, short_text_bytes
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.read.payload_values import Reading
from indexer.read.span_columns import bounded_text
from indexer.read.stored_objects import StoredObjects
from indexer.read.tally import Tally
from indexer.read.whole_names import may_be_cut
from indexer.spans.limits import SPAN_LIMITS
from indexer.spans.payload import Payload

HOT_COLUMNS = {name: "trace_flags" if name == "flags" else name for name in PAYLOAD_COLUMNS}
"""The column in which hot spans have a payload column."""
_LETTER_BYTES_MAX = 4
_JSON = {name: short_text_bytes(name, SPAN_LIMITS) // _LETTER_BYTES_MAX for name in JSON_COLUMNS}
"""Letters of JSON text that cannot hold more than is read."""
_STORED = StoredObjects()


def spans_of_values(source: HotValues) -> list[Span]:
    """Each span once, in order; of two copies the first."""
    found: dict[tuple[str, str, int], Span] = {}
    for span in _spans(source):
        found.setdefault(span.identity, span)
    return [*found.values()]


def _spans(source: HotValues) -> Iterator[Span]:
    for at, row in enumerate(source.rows):
        start = row["start_time"]
        yield Span(
            row["trace_id"],
            row["span_id"],
            row["parent_span_id"],
            _bounded(row["service_name"]),
            _bounded(row["name"]),
            start,
            row["end_time"] - start,
            row["status_code"],
            row["span_kind"],
            source,
            at,
        )


def payload_of_values(
    source: HotValues, rows: Sequence[int], tally: Tally, *, as_stored: bool = False
) -> list[Payload]:
    """The payload of some of the rows."""
    some = [source.rows[at] for at in rows]
    stored = {
        name: _stored(name, [row[column] for row in some]) for name, column in HOT_COLUMNS.items()
    }
    for values in stored.values():
        tally.count_texts(values)
    payloads = canonical_payloads(stored, _STORED if as_stored else None)
    names = [row["name"] for row in some]
    if not any(map(may_be_cut, names)):
        return payloads
    return [
        one._replace(whole_name=name if may_be_cut(name) else None)
        for one, name in zip(payloads, names, strict=True)
    ]


def _stored(name: str, values: list[Any]) -> list[Any]:
    """As ``Reading.values`` has them of a table."""
    most = _JSON.get(name)
    if most is None:
        return values
    return [
        empty(name) if one is None else one if len(one) <= most else _part(name, one)
        for one in values
    ]


def _part(name: str, text: str) -> str | Part:
    return Reading(name=name).text(SPAN_LIMITS, text.encode())


def _bounded(text: str) -> str:
    if len(text) * _LETTER_BYTES_MAX <= TEXT_BYTES_MAX:
        return text
    return bounded_text(text.encode())

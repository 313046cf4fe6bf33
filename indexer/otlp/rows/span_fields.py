"""Serialised spans side by side in one buffer, and their fields as columns.

No object is made for a span or an attribute. What is unusual (a field twice in one message, unknown
fields, invalid text, ids that only protobuf can judge) is Unusual, and left to protobuf's parser.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from indexer.otlp.rows.values import INT_MAX
from indexer.otlp.rows.wire_attributes import attribute_texts
from indexer.otlp.rows.wire_walk import (
    PADDING,
    Fields,
    Unusual,
    hex_texts,
    slices,
    texts,
    walk,
    words,
)
from indexer.otlp.values import events_text, links_text
from indexer.system import arrow_compute as pc

TRACE_ID, SPAN_ID, TRACE_STATE, PARENT_ID, NAME = 0x0A, 0x12, 0x1A, 0x22, 0x2A
KIND, START, END, ATTRIBUTES = 0x30, 0x39, 0x41, 0x4A
DROPPED_ATTRIBUTES, EVENTS, DROPPED_EVENTS, LINKS, DROPPED_LINKS = (
    *(0x50, 0x5A, 0x60),
    *(0x6A, 0x70),
)
STATUS, FLAGS = 0x7A, 0x85
_KEYS = (
    *(TRACE_ID, SPAN_ID, TRACE_STATE, PARENT_ID, NAME, KIND, START, END, ATTRIBUTES),
    *(DROPPED_ATTRIBUTES, EVENTS, DROPPED_EVENTS, LINKS, DROPPED_LINKS, STATUS, FLAGS),
)
"""Field numbers of Span with their wire types."""
UINT_32_MAX = 2**32 - 1


class SpanFields:
    """The fields of some spans. Each method has an element a span, and raises Unusual."""

    def __init__(self, spans: Sequence[bytes]) -> None:
        content = b"".join((*spans, PADDING))
        self._count = len(spans)
        self._data = np.frombuffer(content, np.uint8)
        self._buffer = pa.py_buffer(content)
        lengths = np.fromiter(map(len, spans), np.int64, self._count)
        self._end = np.cumsum(lengths)
        self._begin = self._end - lengths
        self._fields = walk(self._data, self._begin, self._end, _KEYS)

    def fixed(self, key: int, kind: str) -> Any:
        """Numbers of a fixed size, as numpy's type ``kind`` says; 0 where there is none."""
        found = self._fields.one_of(key)
        values = np.zeros(self._count, kind)
        values[found.owner] = words(self._data, found.start, kind)
        return values

    def numbers(self, key: int, most: int) -> Any:
        """Signed numbers of 64 bits; 0 where there is none. One above ``most`` is Unusual."""
        found = self._fields.one_of(key)
        if (found.number > most).any():
            raise Unusual
        values = np.zeros(self._count, np.int64)
        values[found.owner] = found.number
        return values

    def ids(self, key: int, size: int) -> Any:
        """IDs of so many bytes: a row a span, a word for eight bytes; zeros for another size."""
        found = self._fields.one_of(key)
        fitting = found.length == size
        start = found.start[fitting]
        columns = [words(self._data, start + at, ">u8") for at in range(0, size, 8)]
        ids = np.zeros((self._count, size // 8), np.uint64)
        ids[found.owner[fitting]] = np.stack(columns, axis=1)
        return ids

    def has_other_size(self, key: int, size: int) -> bool:
        """Whether some span has bytes there, and not so many."""
        length = self._fields.one_of(key).length
        return bool(((length != size) & (length > 0)).any())

    def texts(self, key: int) -> pa.Array:
        """Texts, empty where there is none."""
        return texts(self._buffer, *self._whole(self._fields.one_of(key)))

    def texts_or_none(self, key: int) -> pa.Array:
        """Texts, NULL where one is empty."""
        return none_if_empty(self.texts(key))

    def hex(self, key: int, size: int | None = None) -> pa.Array:
        """Bytes as hex digits; empty where there is none, or another number of them than ``size``.

        Without a size all are taken as they are.
        """
        start, length = self._whole(self._fields.one_of(key))
        if size is not None:
            length[length != size] = 0
        return hex_texts(self._buffer, start, length)

    def attributes(self) -> pa.Array:
        """JSON objects."""
        pairs = self._fields.all_of(ATTRIBUTES)
        return attribute_texts(self._data, self._buffer, self._count, pairs)

    def events(self) -> pa.Array:
        """JSON arrays."""
        return self._lists(EVENTS, Span.Event.FromString, events_text)

    def links(self) -> pa.Array:
        """JSON arrays."""
        return self._lists(LINKS, Span.Link.FromString, links_text)

    def status(self) -> tuple[Any, pa.Array]:
        """(codes, messages or NULL). Spans have few different ones, and each is parsed once."""
        found = self._fields.one_of(STATUS)
        code, message = np.zeros(self._count, np.int64), np.zeros(self._count, np.int64)
        different = slices(self._buffer, found.start, found.length).dictionary_encode()
        parsed = [_parsed(Status.FromString, one) for one in different.dictionary.to_pylist()]
        which = different.indices.to_numpy()
        codes = np.array([one.code for one in parsed], np.int64)
        words_of = pa.array([None, *(one.message or None for one in parsed)], pa.string())
        if parsed:
            code[found.owner] = codes[which]
            message[found.owner] = which + 1
        return code, words_of.take(pa.array(message))

    def _whole(self, found: Fields) -> tuple[Any, Any]:
        """(start, length) for every span; where it is absent, nothing at the span's beginning."""
        start, length = self._begin.copy(), np.zeros(self._count, np.int64)
        start[found.owner], length[found.owner] = found.start, found.length
        return start, length

    def _lists(
        self, key: int, parse: Callable[[bytes], Any], text: Callable[[Sequence[Any]], str]
    ) -> pa.Array:
        """Messages of a kind as the text of an array for each span; most spans have none."""
        found = self._fields.all_of(key)
        if not len(found):
            return pa.repeat(pa.scalar("[]"), self._count)
        held: dict[int, list[Any]] = {}
        raw = slices(self._buffer, found.start, found.length).to_pylist()
        for owner, one in zip(found.owner.tolist(), raw, strict=True):
            held.setdefault(owner, []).append(_parsed(parse, one))
        return pa.array(
            [text(held[span]) if span in held else "[]" for span in range(self._count)], pa.string()
        )


def none_if_empty(found: pa.Array) -> pa.Array:
    """Texts, NULL where one is empty."""
    return pc.if_else(pc.equal(pc.binary_length(found), 0), pa.scalar(None, pa.string()), found)


def integers(values: Any) -> pa.Array:
    """Numbers as those of a column of 32 bits."""
    return pa.array(np.minimum(values, INT_MAX).astype(np.int32))


def _parsed(parse: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return parse(data)
    except DecodeError:
        raise Unusual from None

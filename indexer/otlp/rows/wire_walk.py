"""The fields of many protobuf messages at once, as arrays.

A step reads one field of every message that still has one, in a handful of operations over all of
them; so a step costs the same for one message as for a thousand. What the caller does not expect is
``Unusual``, and is left to protobuf's own parser.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.deferred_dataclass import dataclass

STEPS_MAX = 256
"""Fields of one message. Longer ones are rare, and cost a step for each field."""
PADDING = bytes(16)
"""Behind the data: a number may be looked at beyond the end, before that is noticed."""

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_MORE = 0x80
"""Of a byte of a varint: that another one follows."""
_TWO_BYTE_KEY = 0x85
"""The first byte of the key of a fixed 32-bit field 16 to 31; the second is 1 for field 16."""
_VARINT_BYTES_MAX = 10


_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
"""Two digits of each byte."""
_NOTHING = np.zeros(0, np.int64)


class Unusual(Exception):
    """Messages whose rows are made another way, by the parser and ``trace_rows``."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of messages, each array with an element a field, in order of their place."""

    owner: Any
    """Number of the message."""
    start: Any
    """Where the payload begins."""
    length: Any
    """Bytes of it; 0 for a varint."""
    number: Any
    """The value of a varint, unsigned."""

    def __len__(self) -> int:
        return len(self.owner)


@dataclass(frozen=True, slots=True)
class _Step:
    """One field of each of some messages, in order of the messages."""

    owner: Any
    key: Any
    """First byte of the field's key."""
    start: Any
    length: Any
    number: Any
    least: int
    """Of the keys; mostly all are the same."""
    most: int

    def of(self, key: int) -> tuple[Any, ...] | None:
        """(owner, start, length, number) of the fields with a key; None if there is none."""
        if not self.least <= key <= self.most:
            return None
        whole = (self.owner, self.start, self.length, self.number)
        if self.least == self.most:
            return whole
        chosen = np.flatnonzero(self.key == key)
        return tuple(column[chosen] for column in whole) if chosen.size else None


class FieldsByKey:
    """Fields of messages, by the first byte of their keys."""

    def __init__(self, steps: list[_Step]) -> None:
        self._steps = steps

    def all_of(self, key: int) -> Fields:
        """Those of one key, in the order of the bytes."""
        parts = [part for step in self._steps if (part := step.of(key)) is not None]
        if not parts:
            return Fields(_NOTHING, _NOTHING, _NOTHING, _NOTHING)
        if len(parts) == 1:
            return Fields(*parts[0])
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.argsort(columns[1], kind="stable")  # some runs that are in order already
        return Fields(*(column[order] for column in columns))

    def one_of(self, key: int) -> Fields:
        """The same. Raises Unusual where a message has two."""
        found = self.all_of(key)
        if (found.owner[1:] == found.owner[:-1]).any():
            raise Unusual
        return found

    def check_single(self) -> None:
        """Raise Unusual where a message has two fields."""
        if len(self._steps) > 1:
            raise Unusual


def walk(data: Any, begin: Any, end: Any, keys: Iterable[int]) -> FieldsByKey:
    """The fields of messages at ``begin`` to ``end``, each in the order of the bytes.

    Messages do not overlap and stand in order. Raises Unusual for any other key, and for what is no
    message.
    """
    known = np.zeros(256, bool)
    known[list(keys)] = True
    owner = np.flatnonzero(begin < end)
    at, last = begin[owner], end[owner]
    steps: list[_Step] = []
    while owner.size:
        if len(steps) == STEPS_MAX:
            raise Unusual
        key = data[at]
        if not known[key].all():
            raise Unusual
        least, most = int(key.min()), int(key.max())
        start, length, number = (
            _payload(data, key, at) if least != most else _payload_of(data, least, at)
        )
        after = start + length
        if (after > last).any():
            raise Unusual
        steps.append(_Step(owner, key, start, length, number, least, most))
        goes_on = after < last
        if goes_on.all():
            at = after
        else:
            owner, at, last = owner[goes_on], after[goes_on], last[goes_on]
    return FieldsByKey(steps)


def texts(buffer: pa.Buffer, start: Any, length: Any) -> pa.Array:
    """Slices of the data as text; they are in order. Raises Unusual for invalid UTF-8."""
    try:
        return slices(buffer, start, length).cast(pa.string())
    except pa.ArrowInvalid:
        raise Unusual from None


def coded_texts(buffer: pa.Buffer, start: Any, length: Any) -> pa.DictionaryArray:
    """The same as ``texts`` where few are different: only those are looked at."""
    coded = slices(buffer, start, length).dictionary_encode()
    try:
        different = coded.dictionary.cast(pa.string())
    except pa.ArrowInvalid:
        raise Unusual from None
    return pa.DictionaryArray.from_arrays(coded.indices, different)


def slices(buffer: pa.Buffer, start: Any, length: Any) -> pa.Array:
    """Slices of the data as bytes; they are in order and do not overlap.

    Between two of them is what they leave out: Arrow takes every other one of all, in C++.
    """
    count = len(start)
    if not count:
        return pa.array([], pa.binary())
    offsets = np.empty(2 * count, np.int32)
    offsets[0::2], offsets[1::2] = start, start + length
    every = pa.Array.from_buffers(pa.binary(), 2 * count - 1, [None, pa.py_buffer(offsets), buffer])
    return every.take(pa.array(np.arange(0, 2 * count, 2)))


def hex_texts(buffer: pa.Buffer, start: Any, length: Any) -> pa.Array:
    """Slices of the data as hex digits in lower case; they are in order."""
    raw = slices(buffer, start, length)
    if not len(raw):
        return pa.array([], pa.string())
    offsets = np.frombuffer(raw.buffers()[1], np.int32)[: len(raw) + 1]
    content = np.frombuffer(raw.buffers()[2] or b"", np.uint8)[: offsets[-1]]
    digits = pa.py_buffer(_HEX[content])
    return pa.Array.from_buffers(pa.string(), len(raw), [None, pa.py_buffer(offsets * 2), digits])


def words(data: Any, start: Any, kind: str) -> Any:
    """Numbers of a fixed size that begin at these places."""
    size = np.dtype(kind).itemsize
    at_each_byte = np.ndarray((len(data) - size + 1,), kind, data, strides=(1,))
    return at_each_byte[start]


def _payload(data: Any, key: Any, at: Any) -> tuple[Any, Any, Any]:
    """(where it begins, its length, its value as a varint) of each field."""
    wire = key & 7
    place = at + 1
    is_long = key == _TWO_BYTE_KEY
    if is_long.any():
        if (data[place[is_long]] != 1).any():
            raise Unusual
        place = place + is_long
    has_number = (wire == _VARINT) | (wire == _BYTES)
    number, size = _varints(data, place, has_number)
    length = np.where(wire == _BYTES, number, 0).astype(np.int64)
    length[wire == _FIXED_64] = 8
    length[wire == _FIXED_32] = 4
    if (length < 0).any() or (length > len(data)).any():
        raise Unusual
    return place + size, length, number


def _payload_of(data: Any, key: int, at: Any) -> tuple[Any, Any, Any]:
    """The same of fields that all have this key; most lengths are of one byte."""
    wire = key & 7
    place = at + 1
    if wire == _BYTES and not ((length := data[place]) >= _MORE).any():
        return place + 1, length.astype(np.int64), length
    if wire == _FIXED_64:
        return place, np.full(len(at), 8), np.zeros(len(at), np.uint64)
    return _payload(data, np.full(len(at), key, np.uint8), at)


def _varints(data: Any, at: Any, wanted: Any) -> tuple[Any, Any]:
    """(values, bytes) of the varints at these places; 0 and 0 where none is wanted."""
    byte = np.where(wanted, data[at], 0)
    number = (byte & 0x7F).astype(np.uint64)
    size = wanted.astype(np.int64)
    more = np.flatnonzero(byte >= _MORE)
    for place in range(1, _VARINT_BYTES_MAX):
        if not more.size:
            return number, size
        byte = data[at[more] + place]
        number[more] |= (byte & 0x7F).astype(np.uint64) << np.uint64(7 * place)
        size[more] += 1
        more = more[byte >= _MORE]
    if more.size:
        raise Unusual
    return number, size

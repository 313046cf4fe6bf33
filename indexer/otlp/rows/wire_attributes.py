"""Attributes of many records at once as the text of JSON objects.

The text is that of ``indexer.otlp.values``: keys are few and are written once each, texts, integers
and booleans are written by Arrow, and any other value, once for each different one, by ``values``.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from indexer.deferred_dataclass import dataclass
from indexer.otlp.rows.wire_walk import (
    Fields,
    Unusual,
    coded_texts,
    hex_texts,
    slices,
    texts,
    walk,
    words,
)
from indexer.otlp.values import double, json_text, json_value
from indexer.system import arrow_compute as pc

_KEY, _VALUE = 0x0A, 0x12
_TEXT, _BOOL, _INT, _DOUBLE, _ARRAY, _MAP, _BYTES = 0x0A, 0x10, 0x18, 0x21, 0x2A, 0x32, 0x3A
_TABLE_MAX = 1 << 22
"""Cells of a table of records and keys, in which a key that occurs twice shows."""
_SPACE, _QUOTE, _BACKSLASH = 0x20, ord('"'), ord("\\")
"""Bytes below the first, and the two others, have another form in JSON text (RFC 8259 7)."""
_HEADS, _QUOTES, _ENDS = ("{", ",", '",'), ("", '"'), ("{}", "}", '"}')
"""What stands before a name, and after its colon, and at the end of an object: heads and ends by
whether nothing, a plain value or one in quotes stands before, quotes by what follows."""
_NOTHING_BEFORE = 0
_PLAIN_DOUBLES = (1e-3, 1e9)
"""Between these Arrow writes a double as Python does, which has no exponent there."""


@dataclass(frozen=True, slots=True)
class ValueTexts:
    """The text of each of many values."""

    pieces: list[pa.Array]
    """Texts, in any order."""
    order: Any
    """Which of all of them each value has."""
    is_quoted: Any
    """Whether it stands between quotes, which the piece does not have."""

    @classmethod
    def of(cls, written: pa.Array) -> Self:
        """Of values that are written whole, one after the other."""
        return cls([written], np.arange(len(written)), np.zeros(len(written), bool))


def attribute_texts(data: Any, buffer: pa.Buffer, count: int, pairs: Fields) -> pa.Array:
    """A JSON object for each of ``count`` records, from their KeyValue fields.

    Raises Unusual, also for a key that a record has twice.
    """
    parts = walk(data, pairs.start, pairs.start + pairs.length, (_KEY, _VALUE))
    key_start, key_length = _whole(parts.one_of(_KEY), pairs)
    value_start, value_length = _whole(parts.one_of(_VALUE), pairs)
    keys = coded_texts(buffer, key_start, key_length)
    values = _value_texts(data, buffer, value_start, value_length)
    return object_texts(keys, values, pairs.owner, count)


def object_texts(keys: pa.Array, values: ValueTexts, owner: Any, count: int) -> pa.Array:
    """A JSON object for each of ``count`` records, from all of their keys and values.

    ``owner`` says whose each is, in order. Raises Unusual for a key that a record has twice. An
    object is names and values by turns and an end, and all that is written is copied twice: what
    stands between two values, quotes included, is of the name.
    """
    encoded = keys.dictionary_encode()
    codes = encoded.indices.to_numpy()
    _check_unique(owner, codes, count, len(encoded.dictionary))
    pairs = np.arange(len(owner))
    ends = np.cumsum(np.bincount(owner, minlength=count))
    begins = np.concatenate([[0], ends[:-1]])
    # What a name or an end follows: nothing of the record, a plain value, or one in quotes.
    follows = np.concatenate([[0], 1 + values.is_quoted])
    before = follows[:-1].copy()
    before[begins[begins < ends]] = _NOTHING_BEFORE
    names, which = _names(encoded.dictionary.to_pylist(), codes, before, values.is_quoted)
    order = np.empty(2 * len(pairs) + count, np.int64)
    order[2 * pairs + owner] = which
    order[2 * pairs + owner + 1] = values.order + (len(names) + len(_ENDS))
    records = np.arange(count)
    order[2 * ends + records] = np.where(begins < ends, follows[ends], _NOTHING_BEFORE) + len(names)
    parts = pa.concat_arrays([pa.array([*names, *_ENDS]), *values.pieces]).take(pa.array(order))
    return _joined(parts, np.concatenate([[0], 2 * ends + records + 1]))


def _joined(parts: pa.Array, bounds: Any) -> pa.Array:
    """The texts from each bound to the next as one: their bytes follow one another already."""
    _, starts, content = parts.buffers()
    offsets = np.frombuffer(starts, np.int32)[bounds]
    buffers = [None, pa.py_buffer(offsets), content]
    return pa.Array.from_buffers(pa.string(), len(bounds) - 1, buffers)


def _names(keys: list[str], codes: Any, before: Any, is_quoted: Any) -> tuple[list[str], Any]:
    """(the different texts of names, which of them each pair has), by what stands around them."""
    kinds = len(_HEADS) * len(_QUOTES)
    kind = (codes * len(_HEADS) + before) * len(_QUOTES) + is_quoted
    is_used = np.bincount(kind, minlength=kinds * len(keys)) > 0
    names = []
    for used in np.flatnonzero(is_used).tolist():
        key, of = divmod(used, kinds)
        head, quote = divmod(of, len(_QUOTES))
        names.append(f"{_HEADS[head]}{json_text(keys[key])}:{_QUOTES[quote]}")
    return names, (np.cumsum(is_used) - 1)[kind]


def _whole(found: Fields, pairs: Fields) -> tuple[Any, Any]:
    """(start, length) for every pair; where it is absent, nothing at the pair's beginning."""
    if len(found) == len(pairs):
        return found.start, found.length
    start, length = pairs.start.copy(), np.zeros(len(pairs.start), np.int64)
    start[found.owner], length[found.owner] = found.start, found.length
    return start, length


def _check_unique(owner: Any, codes: Any, records: int, keys: int) -> None:
    cells = owner * keys + codes
    if records * keys <= _TABLE_MAX:
        is_twice = len(cells) > 0 and np.bincount(cells).max() > 1
    else:
        is_twice = len(np.unique(cells)) < len(cells)
    if is_twice:
        raise Unusual


def _value_texts(data: Any, buffer: pa.Buffer, start: Any, length: Any) -> ValueTexts:
    found = walk(data, start, start + length, (*_WRITERS, _ARRAY, _MAP))
    found.check_single()
    pieces, places = [], []
    is_quoted = np.zeros(len(start), bool)
    for key, write in _WRITERS.items():
        of = found.all_of(key)
        if len(of):
            pieces.append(write(data, buffer, of))
            places.append(of.owner)
            is_quoted[of.owner] = key in _QUOTED
    for key in (_ARRAY, _MAP):
        of = found.all_of(key)
        if len(of):
            pieces.append(_any_values(slices(buffer, start[of.owner], length[of.owner])))
            places.append(of.owner)
    every, order = _ordered(pieces, places, len(start))
    return ValueTexts(every, order, is_quoted)


def place_texts(pieces: list[pa.Array], places: list[Any], count: int) -> pa.Array:
    """Texts of several arrays at their places in one; ``null`` where there is none."""
    every, order = _ordered(pieces, places, count)
    return pa.concat_arrays(every).take(pa.array(order))


def _ordered(pieces: list[pa.Array], places: list[Any], count: int) -> tuple[list[pa.Array], Any]:
    """(all texts, which of them each place has)."""
    order = np.zeros(count, np.int64)
    if places:
        order[np.concatenate(places)] = np.arange(1, 1 + sum(map(len, pieces)))
    return [pa.array(["null"]), *pieces], order


def quote_texts(found: pa.Array) -> pa.Array:
    """Texts as JSON."""
    return pc.binary_join_element_wise('"', _escaped(found), '"', "")


def _escaped(found: pa.Array) -> pa.Array:
    """Texts as they stand between the quotes of JSON."""
    offsets = np.frombuffer(found.buffers()[1], np.int32)[found.offset :][: len(found) + 1]
    content = np.frombuffer(found.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    places = np.flatnonzero((content < _SPACE) | (content == _QUOTE) | (content == _BACKSLASH))
    if not places.size:
        return found
    of = np.unique(np.searchsorted(offsets - offsets[0], places, "right") - 1)
    mask = np.zeros(len(found), bool)
    mask[of] = True
    texts_of = [json_text(text)[1:-1] for text in found.take(pa.array(of)).to_pylist()]
    return pc.replace_with_mask(found, pa.array(mask), pa.array(texts_of))


def _any_values(raw: pa.Array) -> pa.Array:
    """Serialised AnyValues as JSON; equal ones are written once. Raises Unusual."""
    different = raw.dictionary_encode()
    try:
        written = [
            json_text(json_value(AnyValue.FromString(one)))
            for one in different.dictionary.to_pylist()
        ]
    except DecodeError:
        raise Unusual from None
    return pa.array(written, pa.string()).take(different.indices)


def _texts(_data: Any, buffer: pa.Buffer, of: Fields) -> pa.Array:
    return _escaped(texts(buffer, of.start, of.length))


def _booleans(_data: Any, _buffer: pa.Buffer, of: Fields) -> pa.Array:
    return pa.array(["false", "true"]).take(pa.array((of.number != 0).astype(np.int8)))


def _integers(_data: Any, _buffer: pa.Buffer, of: Fields) -> pa.Array:
    return pa.array(of.number.view(np.int64)).cast(pa.string())


def _doubles(data: Any, _buffer: pa.Buffer, of: Fields) -> pa.Array:
    return double_texts(words(data, of.start, "<f8"))


def double_texts(found: Any) -> pa.Array:
    """Doubles as JSON, as Python writes them."""
    size = np.abs(found)
    least, most = _PLAIN_DOUBLES
    plain = (size >= least) & (size < most) & (found != np.floor(found))
    written = pa.array(found).cast(pa.string())
    if plain.all():
        return written
    others = [json_text(double(value)) for value in found[~plain].tolist()]
    return pc.replace_with_mask(written, pa.array(~plain), pa.array(others, pa.string()))


def _hex(_data: Any, buffer: pa.Buffer, of: Fields) -> pa.Array:
    return hex_texts(buffer, of.start, of.length)


_WRITERS: dict[int, Callable[[Any, pa.Buffer, Fields], pa.Array]] = {
    _TEXT: _texts,
    _BOOL: _booleans,
    _INT: _integers,
    _DOUBLE: _doubles,
    _BYTES: _hex,
}
_QUOTED = frozenset({_TEXT, _BYTES})
"""Of these the writers leave the quotes to whoever puts the values together."""

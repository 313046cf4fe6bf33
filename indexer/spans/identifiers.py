"""Trace and span ids between hex text and unsigned 64-bit integers, a whole column at a time.

Ids stay hex text in the catalog, readable and equal to the payload's. In between they are
integers: 20,000 of them are checked, sorted and compared in well under a millisecond.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.system import arrow_compute as pc

UInt64Array = npt.NDArray[np.uint64]
BoolArray = npt.NDArray[np.bool_]

_NOT_HEX = 0x100
_HEX_PAIRS = np.frombuffer(bytes(range(256)).hex().encode(), np.uint16)
"""The two hex digits of every byte, as one 16-bit load."""


def _byte_of_pair() -> npt.NDArray[np.uint16]:
    """The byte that each pair of characters spells, or _NOT_HEX: the inverse of _HEX_PAIRS."""
    table = np.full(1 << 16, _NOT_HEX, np.uint16)
    digits = "0123456789abcdefABCDEF"
    for pair in (high + low for high in digits for low in digits):
        table[np.frombuffer(pair.encode(), np.uint16)[0]] = int(pair, 16)
    return table


_BYTE_OF_PAIR = _byte_of_pair()
_NOT_HEX_IN_ANY = np.uint64(_NOT_HEX * 0x0001_0001_0001_0001)


def parse_hex(column: pa.Array, *, digits: int) -> tuple[list[UInt64Array], BoolArray]:
    """The 64-bit words of each id (most significant first) and which rows hold a real id.

    A real id has exactly ``digits`` hex digits (16 or 32), of either case, and is not all zero
    (OpenTelemetry trace API, "SpanContext"). The words of other rows are zero.
    """
    present = _has_length(column, digits)
    if present.all():
        words, valid = _parse_contiguous(column, digits)
        return words, valid
    kept, kept_valid = _parse_contiguous(column.filter(pa.array(present)), digits)
    valid = np.zeros(len(column), np.bool_)
    valid[present] = kept_valid
    words = []
    for kept_word in kept:
        word = np.zeros(len(column), np.uint64)
        word[present] = kept_word
        words.append(word)
    return words, valid


def format_hex(words: list[UInt64Array], *, null: BoolArray | None = None) -> pa.Array:
    """Lowercase hex text of ids; rows where ``null`` is true become NULL."""
    count = len(words[0])
    big_endian = np.stack(words, axis=1).astype(">u8")
    text = _HEX_PAIRS[big_endian.view(np.uint8)]
    digits = 16 * len(words)
    offsets = np.arange(count + 1, dtype=np.int32) * digits
    validity = None
    null_count = 0
    if null is not None and null.any():
        null_count = int(null.sum())
        validity = pa.py_buffer(np.packbits(~null, bitorder="little"))
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))]
    return pa.Array.from_buffers(pa.string(), count, buffers, null_count)


def hex_bytes(matrix: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], BoolArray]:
    """The (rows, digits / 2) bytes that rows of 8 digits or a multiple spell, and which rows do."""
    count, digits = matrix.shape
    spelled = _BYTE_OF_PAIR[matrix.view(np.uint16)]
    flags = (spelled.view(np.uint64) & _NOT_HEX_IN_ANY).reshape(count, digits // 8)
    valid: BoolArray = ~np.logical_or.reduce([flags[:, part] != 0 for part in range(digits // 8)])
    return spelled.astype(np.uint8), valid


def _has_length(column: pa.Array, digits: int) -> BoolArray:
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    exact: BoolArray = lengths == digits
    return exact


def _parse_contiguous(column: pa.Array, digits: int) -> tuple[list[UInt64Array], BoolArray]:
    found, valid = hex_bytes(text_bytes(column, digits))
    matrix = found.view(">u8")
    words = [matrix[:, word].astype(np.uint64) for word in range(digits // 16)]
    for word in words:
        word[~valid] = 0
    nonzero = np.logical_or.reduce([word != 0 for word in words])
    return words, valid & nonzero


def text_bytes(column: pa.Array, digits: int) -> npt.NDArray[np.uint8]:
    """The text of equally long, non-null strings as a (rows, digits) matrix, without a copy."""
    if len(column) == 0:
        return np.zeros((0, digits), np.uint8)
    data = np.frombuffer(column.buffers()[2], np.uint8)
    first = np.frombuffer(column.buffers()[1], np.int32)[column.offset]
    return data[first : first + len(column) * digits].reshape(len(column), digits)

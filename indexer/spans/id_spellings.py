"""Which spellings of trace and span IDs are accepted: one rule for files, commands, HTTP and links.

Beside the hex of OpenTelemetry, writers and people use what other systems print: ``0x`` before it,
a UUID's dashes, base64 (the JSON mapping of Protocol Buffers), raw bytes, and the 64-bit trace IDs
of Zipkin and Jaeger, which OpenTelemetry pads on the left. A spelling that could be something else
is refused: 17 to 31 digits without ``0x`` may be a decimal number, a short span ID a counter.
"""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.spans.identifiers import (
    BoolArray,
    UInt64Array,
    format_hex,
    hex_bytes,
    parse_hex,
    text_bytes,
)
from indexer.system import arrow_compute as pc

TRACE_DIGITS, SPAN_DIGITS = 32, 16
_HEX = re.compile("[0-9a-fA-F]+")
SHORT_TRACE_DIGITS = 16
"""A trace ID of 64 bits, with or without its leading zeros."""

_Matrix = npt.NDArray[np.uint8]
"""One row an ID, one column a byte."""

_DASHES = (8, 13, 18, 23)  # RFC 9562, "UUID Format"
_UUID_LENGTH = 36
_PREFIX_LENGTH = 2
_PADDING, _ZERO, _DASH = ord("="), ord("0"), ord("-")
_NOT_BASE64 = 0xFF
_SEXTETS = np.full(256, _NOT_BASE64, np.uint8)
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SEXTETS[list(_LETTERS + b"+/")] = np.arange(64)
_SEXTETS[list(b"-_")] = (62, 63)  # RFC 4648, section 5


@dataclass(frozen=True, slots=True, eq=False)
class ParsedIds:
    """The IDs of a column: 64-bit words, most significant first, and which rows spell one.

    The words of other rows are zero. An ID of zeros is spelled, and means that there is no ID.
    """

    words: list[UInt64Array]
    spelled: BoolArray

    @property
    def valid(self) -> BoolArray:
        """Which rows have an ID (OpenTelemetry trace API, "SpanContext": not all zero)."""
        nonzero: BoolArray = np.logical_or.reduce([word != 0 for word in self.words])
        return nonzero


def parse_trace_id(text: str) -> str | None:
    """A trace ID as 32 lowercase hex digits; None for any other text."""
    return _parse_one(text, TRACE_DIGITS)


def parse_span_id(text: str) -> str | None:
    """A span ID as 16 lowercase hex digits; None for any other text."""
    return _parse_one(text, SPAN_DIGITS)


def parse_ids(column: pa.Array, *, digits: int) -> ParsedIds:
    """The IDs of a column of text, whose bytes need not be UTF-8; ``digits`` is 32 or 16."""
    words, spelled = parse_hex(column, digits=digits)
    if spelled.all():
        return ParsedIds(words, spelled)
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    lengths = np.where(spelled | (lengths > _UUID_LENGTH), 0, lengths)
    for length in np.unique(lengths[lengths > 0]).tolist():
        rows = np.flatnonzero(lengths == length)
        matrix = text_bytes(column.take(pa.array(rows)), length)
        found, is_one = _bytes_of(matrix, digits)
        spelled[rows] = is_one
        parts = np.ascontiguousarray(found).view(">u8").astype(np.uint64)
        for word, part in zip(words, parts.T, strict=True):
            word[rows] = np.where(is_one, part, np.uint64(0))
    return ParsedIds(words, spelled)


def id_text(column: pa.ChunkedArray, *, digits: int) -> pa.ChunkedArray:
    """A column of IDs as text: raw bytes as hex, everything else unchanged."""
    kind = (
        column.type.storage_type if isinstance(column.type, pa.BaseExtensionType) else column.type
    )
    chunks = [
        chunk.storage if isinstance(chunk, pa.ExtensionArray) else chunk for chunk in column.chunks
    ]
    if pa.types.is_dictionary(kind):
        chunks = [chunk.dictionary_decode() for chunk in chunks]
        kind = kind.value_type
    if not _is_binary(kind):
        return pa.chunked_array(
            [chunk.cast(pa.binary()).view(pa.string()) for chunk in chunks], pa.string()
        )
    return pa.chunked_array([_hex_where_raw(chunk, digits) for chunk in chunks], pa.string())


def _parse_one(text: str, digits: int) -> str | None:
    text = text.strip()
    if len(text) == digits and _HEX.fullmatch(text):
        return text.lower() if text.strip("0") else None  # at once: a column takes milliseconds
    column = pa.array([text.encode("utf-8", "replace")]).view(pa.string())
    parsed = parse_ids(column, digits=digits)
    found: str | None = format_hex(parsed.words, null=~parsed.valid)[0].as_py()
    return found


def _bytes_of(matrix: _Matrix, digits: int) -> tuple[_Matrix, BoolArray]:
    """The bytes that equally long texts spell, and which of them spell an ID at all."""
    count, length = matrix.shape
    found, is_one = np.zeros((count, digits // 2), np.uint8), np.zeros(count, np.bool_)
    for spelling in (_plain_digits, _prefixed, _dashed, _base64):
        values, valid = spelling(matrix, length, digits)
        found[valid], is_one = values[valid], is_one | valid
    return found, is_one


def _plain_digits(matrix: _Matrix, length: int, digits: int) -> tuple[_Matrix, BoolArray]:
    if length == digits or (digits == TRACE_DIGITS and length <= SHORT_TRACE_DIGITS):
        return _padded_digits(matrix, digits)
    return _no_ids(matrix, digits)


def _prefixed(matrix: _Matrix, length: int, digits: int) -> tuple[_Matrix, BoolArray]:
    """``0x`` says that the digits are hex, so leading zeros may be missing from any ID."""
    if not _PREFIX_LENGTH < length <= digits + _PREFIX_LENGTH:
        return _no_ids(matrix, digits)
    found, valid = _padded_digits(matrix[:, _PREFIX_LENGTH:], digits)
    prefixed = (matrix[:, 0] == _ZERO) & np.isin(matrix[:, 1], list(b"xX"))
    return found, valid & prefixed


def _dashed(matrix: _Matrix, length: int, digits: int) -> tuple[_Matrix, BoolArray]:
    """A UUID is a trace ID: a span ID has half of its bytes, and nothing says which half."""
    if length != _UUID_LENGTH or digits != TRACE_DIGITS:
        return _no_ids(matrix, digits)
    found, valid = hex_bytes(np.ascontiguousarray(np.delete(matrix, _DASHES, axis=1)))
    return found, valid & (matrix[:, _DASHES] == _DASH).all(axis=1)


def _base64(matrix: _Matrix, length: int, digits: int) -> tuple[_Matrix, BoolArray]:
    """With its padding: without it, it could be digits of something else."""
    sizes = {24: 16, 12: 8} if digits == TRACE_DIGITS else {12: 8}
    size = sizes.get(length)
    if size is None:
        return _no_ids(matrix, digits)
    padding = -size % 3
    valid = (matrix[:, length - padding :] == _PADDING).all(axis=1)
    sextets = _SEXTETS[matrix[:, : length - padding]]
    valid &= (sextets != _NOT_BASE64).all(axis=1)
    bits = np.unpackbits(sextets[:, :, np.newaxis], axis=2)[:, :, 2:].reshape(len(matrix), -1)
    valid &= ~bits[:, size * 8 :].any(axis=1)
    found = np.zeros((len(matrix), digits // 2), np.uint8)
    found[:, -size:] = np.packbits(bits[:, : size * 8], axis=1)
    return found, valid


def _padded_digits(matrix: _Matrix, digits: int) -> tuple[_Matrix, BoolArray]:
    padded = np.full((len(matrix), digits), _ZERO, np.uint8)
    padded[:, digits - matrix.shape[1] :] = matrix
    return hex_bytes(padded)


def _no_ids(matrix: _Matrix, digits: int) -> tuple[_Matrix, BoolArray]:
    return np.zeros((len(matrix), digits // 2), np.uint8), np.zeros(len(matrix), np.bool_)


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def _hex_where_raw(column: pa.Array, digits: int) -> pa.Array:
    """Bytes that are hex digits are text, unless the column's type leaves room for raw bytes alone.

    That 8 random bytes are hex digits happens once in 300 million times.
    """
    is_fixed = pa.types.is_fixed_size_binary(column.type)
    column = column.cast(pa.binary())
    text = column.view(pa.string())
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    for size in {digits // 2, SPAN_DIGITS // 2}:
        raw = lengths == size
        if digits == TRACE_DIGITS and not is_fixed and raw.any():
            raw[raw] = ~_are_digits(text.filter(pa.array(raw)), size)
        if raw.any():
            matrix = text_bytes(text.filter(pa.array(raw)), size)
            words = list(matrix.view(">u8").astype(np.uint64).T)
            text = pc.replace_with_mask(text, pa.array(raw), format_hex(words))
    return text


def _are_digits(column: pa.Array, size: int) -> BoolArray:
    _, valid = hex_bytes(text_bytes(column, size))
    return valid

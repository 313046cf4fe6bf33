"""Protobuf's wire form cut at the boundaries of its fields, so that no piece of it is large.

A repeated field of bytes takes 16 bytes an element and doubles while it grows, so 64 MiB of empty
messages would be a gigabyte even as a skeleton. Python walks the fields at 0.3 µs each, and stops
where a limit says so.
"""

from collections.abc import Iterator

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp, OtlpTooLarge

PIECE_BYTES = 1 << 20
"""Half a million empty messages, of 16 bytes each in a skeleton."""

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_VARINT_BYTES_MAX = 10
_SEVEN_BITS = 0x7F
"""Of a varint's byte; the eighth says that more follow."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes ``first`` to ``last`` are whole fields.

    ``number`` is 0, or that of the only field, which is larger than a piece may be and has its
    payload from ``payload`` to ``last``.
    """

    first: int
    last: int
    number: int = 0
    payload: int = 0


def field(number: int, payload: bytes) -> bytes:
    """A field of bytes, or of a message, in the wire form."""
    return field_head(number, len(payload)) + payload


def field_head(number: int, size: int) -> bytes:
    """What stands before the payload of such a field."""
    return _varint(number << 3 | _BYTES) + _varint(size)


def pieces(data: bytes, first: int, last: int, *, fields_max: int | None = None) -> Iterator[Piece]:
    """Neighbouring fields up to a size, in order; a field that is larger is a piece by itself.

    Raises InvalidOtlp where the bytes do not hold whole fields, OtlpTooLarge beyond ``fields_max``.
    """
    if last - first <= PIECE_BYTES:
        if last > first:
            yield Piece(first, last)
        return
    try:
        yield from _pieces(data, first, last, PIECE_BYTES, fields_max)
    except IndexError:
        raise InvalidOtlp("the protobuf ends within a field") from None


def wire_fields(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(number, wire type, payload) of each field of a message, in order.

    The payload is empty but for fields of bytes. Raises InvalidOtlp at what is not a field.
    """
    at, last = 0, len(data)
    try:
        while at < last:
            key, at = read_varint(data, at)
            number, kind = key >> 3, key & 7
            payload = b""
            if kind == _VARINT:
                _, at = read_varint(data, at)
            elif kind == _BYTES:
                length, at = read_varint(data, at)
                payload = data[at : at + length]
                at += length
            elif kind in {_FIXED_64, _FIXED_32}:
                at += 8 if kind == _FIXED_64 else 4
            if number == 0 or kind not in {_VARINT, _FIXED_64, _BYTES, _FIXED_32} or at > last:
                raise InvalidOtlp("the protobuf has an invalid field")
            yield number, kind, payload
    except IndexError:
        raise InvalidOtlp("the protobuf ends within a field") from None


def _pieces(  # noqa: C901, PLR0912 - one loop: a call for each field would double what it costs
    data: bytes, first: int, last: int, piece_bytes: int, fields_max: int | None
) -> Iterator[Piece]:
    at = begin = first
    left = -1 if fields_max is None else fields_max
    while at < last:
        if left == 0:
            raise OtlpTooLarge(f"more than {fields_max} fields in one message")
        left -= 1
        start = at
        key = data[at]
        at += 1
        kind = key & 7
        if key > _SEVEN_BITS:
            while data[at] > _SEVEN_BITS:
                at += 1
            at += 1
        if kind == _BYTES:
            length = data[at]
            at += 1
            if length > _SEVEN_BITS:
                more = data[at]
                if more > _SEVEN_BITS:
                    length, at = read_varint(data, at - 1)
                else:  # as spans are long: a call would double what they cost
                    length += (more - 1) << 7
                    at += 1
            payload = at
            at += length
            if length > piece_bytes:
                if at > last:
                    break
                if start > begin:
                    yield Piece(begin, start)
                yield Piece(start, at, read_varint(data, start)[0] >> 3, payload)
                begin = at
        elif kind == _VARINT:
            while data[at] > _SEVEN_BITS:
                at += 1
            at += 1
        elif kind in {_FIXED_64, _FIXED_32}:
            at += 8 if kind == _FIXED_64 else 4
        else:
            raise InvalidOtlp(f"wire type {kind} is not supported in a large protobuf message")
        if at - begin > piece_bytes and at <= last:
            yield Piece(begin, at)
            begin = at
    if at > last:
        raise InvalidOtlp("the protobuf ends within a field")
    if at > begin:
        yield Piece(begin, at)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where it ends. Raises IndexError, and InvalidOtlp."""
    number = 0
    for place in range(_VARINT_BYTES_MAX):
        byte = data[at + place]
        number |= (byte & _SEVEN_BITS) << (7 * place)
        if byte <= _SEVEN_BITS:
            return number, at + place + 1
    raise InvalidOtlp("a number of the protobuf has more than 64 bits")


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > _SEVEN_BITS:
        out.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)

"""The Thrift compact protocol, as much of it as Parquet's footers and page headers hold. Pure.

A struct becomes a dictionary by field id (Thrift specification, "Thrift Compact protocol
encoding"). Nothing is believed: a claimed length is never longer than the bytes that are there,
and whatever is not the protocol raises one of ``NOT_THRIFT``.
"""

from collections.abc import Mapping
from typing import Any

Wanted = Mapping[int, "Wanted | None"]
"""Ids of fields, and of structs in them what is wanted; None is all that there is."""

NOT_THRIFT = (IndexError, KeyError, TypeError, ValueError, AttributeError)
"""IndexError: the bytes end too early. The others: these bytes are something else."""

DEPTH_MAX = 16
"""Structs in structs; Parquet's footer has seven."""

_DEEP = "structs within structs without end"
_MORE = 0x80  # the continuation bit of a varint
_KINDS = 0x0F  # of a field: the bits of its kind
_INTEGER_BITS = 64
_DOUBLE_BYTES = 8
_LONG_LIST = 15  # the length follows as a varint
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_LISTS = (_LIST, _SET)
_BYTES = (_TRUE, _FALSE, _BYTE)  # a truth value in a list is a byte


def read_struct(
    data: bytes, at: int = 0, depth: int = 0, wanted: Wanted | None = None
) -> tuple[dict[int, Any], int]:
    """(value by field id, position after). Doubles are passed over and read as None.

    What is not ``wanted`` is passed over in a third of the time, and lacks in what is given.
    """
    if depth > DEPTH_MAX:
        raise ValueError(_DEEP)
    fields: dict[int, Any] = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _zigzag(data, at)
        kind = head & 0x0F
        if wanted is not None and number not in wanted:
            at = at if _TRUE <= kind <= _FALSE else _after_value(data, at, kind, depth)
        elif _TRUE <= kind <= _FALSE:
            fields[number] = kind == _TRUE
        else:
            of_value = None if wanted is None else wanted[number]
            fields[number], at = _value(data, at, kind, depth, of_value)
    return fields, at + 1


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(unsigned number, position after), seven bits a byte."""
    if (byte := data[at]) < _MORE:  # as most are
        return byte, at + 1
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if not byte & _MORE:
            return value, at
        shift += 7
        if shift >= _INTEGER_BITS:
            raise ValueError("a number of more than 64 bits")


def after_list(data: bytes, at: int) -> int:
    """The position after the list that begins here."""
    return _after_value(data, at, _LIST, 0)


def whole(value: Any) -> int:
    """The value, which has to be a number."""
    if not isinstance(value, int):
        raise TypeError("a number was expected")
    return value


def _value(data: bytes, at: int, kind: int, depth: int, wanted: Wanted | None) -> tuple[Any, int]:
    if _I16 <= kind <= _I64:
        return _zigzag(data, at)
    if kind == _BINARY:
        length, at = read_varint(data, at)
        if at + length > len(data):
            raise IndexError("the text goes on")
        return data[at : at + length], at + length
    if kind == _STRUCT:
        return read_struct(data, at, depth + 1, wanted)
    if kind in _LISTS:
        return _list(data, at, depth, wanted)
    if kind == _DOUBLE:
        if at + _DOUBLE_BYTES > len(data):
            raise IndexError("the number goes on")
        return None, at + _DOUBLE_BYTES
    if kind in _BYTES:
        return data[at], at + 1
    raise ValueError(f"Parquet has no field of kind {kind}")


def _list(data: bytes, at: int, depth: int, wanted: Wanted | None) -> tuple[list[Any], int]:
    kind, count, at = _list_head(data, at)
    values: list[Any] = []
    for _ in range(count):
        value, at = _value(data, at, kind, depth + 1, wanted)
        values.append(value)
    return values, at


def _list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """(kind of its values, how many, position after)."""
    head = data[at]
    count, at = (head >> 4, at + 1) if head >> 4 != _LONG_LIST else read_varint(data, at + 1)
    if count > len(data) - at:  # the shortest value takes a byte
        raise IndexError("the list goes on")
    return head & 0x0F, count, at


def _after_value(data: bytes, at: int, kind: int, depth: int) -> int:
    """The position after a value, of which nothing is known but where it ends."""
    if _I16 <= kind <= _I64:
        while data[at] >= _MORE:
            at += 1
        return at + 1
    if kind == _BINARY:
        length, at = read_varint(data, at)
        return at + length
    if kind == _STRUCT:
        return _after_struct(data, at, depth + 1)
    if kind in _LISTS:
        kind, count, at = _list_head(data, at)
        for _ in range(count):
            at = _after_value(data, at, kind, depth + 1)
        return at
    return _value(data, at, kind, depth, None)[1]


def _after_struct(data: bytes, at: int, depth: int) -> int:
    if depth > DEPTH_MAX:
        raise ValueError(_DEEP)
    while (head := data[at]) != 0:
        at += 1
        if head <= _KINDS:
            _, at = read_varint(data, at)
        kind = head & _KINDS
        if _I16 <= kind <= _I64:  # as most are
            while data[at] >= _MORE:
                at += 1
            at += 1
        elif not _TRUE <= kind <= _FALSE:
            at = _after_value(data, at, kind, depth)
    return at + 1


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value, at = read_varint(data, at)
    return (value >> 1) ^ -(value & 1), at

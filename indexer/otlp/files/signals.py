"""Which signal a protobuf message is of, by its structure.

Traces, logs and metrics are alike in their two outer levels: a logs message parses as traces
without an error. What differs is the wire types of their records' fields, and the lengths of ids.
"""

from collections.abc import Iterator

from indexer.errors import InvalidOtlp
from indexer.otlp.requests import Signal
from indexer.otlp.wire_fields import wire_fields

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_RESOURCES, _RESOURCE, _RECORDS = 1, 1, 2
_RECORDS_SEEN = 8
"""An undecided record, such as a metric that is only a name, is followed by others."""

_FIELDS: dict[Signal, dict[int, int]] = {
    "traces": {
        **dict.fromkeys((1, 2, 3, 4, 5, 9, 11, 13, 15), _BYTES),
        **dict.fromkeys((6, 10, 12, 14), _VARINT),
        **dict.fromkeys((7, 8), _FIXED_64),
        16: _FIXED_32,
    },
    "logs": {
        **dict.fromkeys((3, 5, 6, 9, 10, 12), _BYTES),
        **dict.fromkeys((2, 7), _VARINT),
        **dict.fromkeys((1, 11), _FIXED_64),
        8: _FIXED_32,
    },
    "metrics": dict.fromkeys((1, 2, 3, 5, 7, 9, 10, 11, 12), _BYTES),
}
"""Wire types by field number, of Span, LogRecord and Metric in OTLP 1.x."""
_REQUIRED: dict[Signal, int] = {"traces": 1, "metrics": 1}
"""A span has a trace_id and a metric has a name; a log record may have anything."""
_LENGTHS: dict[Signal, dict[int, int]] = {"traces": {1: 16, 2: 8}, "logs": {9: 16, 10: 8}}
"""Bytes of ids."""


def signal_of_message(message: bytes) -> Signal | None:
    """The signal of an export request; None for one that has no record, or is none.

    A record without its id or name, or with ids of wrong lengths, is still known by its wire types.
    """
    left = set(_FIELDS)
    strict = set(_FIELDS)
    seen = 0
    try:
        for record in _records(message):
            found = list(wire_fields(record))
            left = {signal for signal in left if _fits(signal, found)}
            strict = {signal for signal in strict & left if _is_complete(signal, found)}
            seen += bool(found)
            if len(strict) == 1 or not left or seen >= _RECORDS_SEEN:
                break
    except InvalidOtlp:
        return None
    if not seen:
        return None
    for candidates in (strict, left):
        if candidates:
            return next(signal for signal in _FIELDS if signal in candidates)
    return None


def has_outer_shape(message: bytes) -> bool:
    """Whether the bytes can be the beginning of an export request of any signal."""
    try:
        for number, kind, resources in wire_fields(message):
            if number != _RESOURCES or kind != _BYTES:
                return False
            inner = [(one, wire) for one, wire, _ in wire_fields(resources)]
            return all(wire == _BYTES and number in {1, 2, 3} for number, wire in inner)
    except InvalidOtlp:
        return False
    return True


def _records(message: bytes) -> Iterator[bytes]:
    for number, kind, resources in wire_fields(message):
        if number != _RESOURCES or kind != _BYTES:
            continue
        for inner, inner_kind, scopes in wire_fields(resources):
            if inner != _RECORDS or inner_kind != _BYTES:
                continue
            for place, place_kind, record in wire_fields(scopes):
                if place == _RECORDS and place_kind == _BYTES:
                    yield record


def _fits(signal: Signal, found: list[tuple[int, int, bytes]]) -> bool:
    known = _FIELDS[signal]
    return all(known.get(number, kind) == kind for number, kind, _ in found)


def _is_complete(signal: Signal, found: list[tuple[int, int, bytes]]) -> bool:
    lengths = _LENGTHS.get(signal, {})
    numbers = {number for number, _, _ in found}
    return _REQUIRED.get(signal, 0) in {0, *numbers} and all(
        len(payload) in {0, lengths.get(number, len(payload))} for number, _, payload in found
    )

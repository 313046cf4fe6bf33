"""OTLP's JSON as OTLP's messages: protobuf's JSON mapping, with the exceptions that OTLP makes.

``google.protobuf.json_format`` cannot read it: it takes hex ids for base64, sends integers
through floats, accepts text where an object must stand, and knows snake_case names, which OTLP
does not. So the document is walked along the message's descriptor into exact Python values, and
protobuf's own constructor makes the message of those. Unknown keys are passed over at every
level, and null is the same as an absent key.
"""

import base64
import binascii
import re
import reprlib
from collections.abc import Callable
from contextvars import ContextVar
from decimal import Decimal
from functools import cache, partial
from math import isfinite
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from indexer.deferred_dataclass import dataclass
from indexer.otlp.json_reader import FloatText

DEPTH_MAX = 100
"""Messages within messages: what protobuf's binary parser allows, so that what was read can be
written and read again."""

_Read = Callable[[Any, int], Any]
_Some = TypeVar("_Some", bound=Message)

_ID_FIELDS = frozenset({"trace_id", "span_id", "parent_span_id"})
_BASE64_ID_LENGTHS = frozenset({24, 12})
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NUMBER_CHARACTERS_MAX = 400
"""Of a number in the form of a double: the longest that a double is printed as has 309 digits."""
_DIGITS_MAX = 20
"""Of a whole number of 64 bits."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL_DOUBLES = {name: float(name) for name in ("NaN", "Infinity", "-Infinity")}
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


LENIENCY: ContextVar["Leniency | None"] = ContextVar("leniency", default=None)
"""Who counts values that are read although OTLP's JSON forbids them; set while a file is read."""


@dataclass(slots=True)
class Leniency:
    """How many values were read that OTLP forbids: base64 ids and names of enumerations."""

    values: int = 0


class NotThisMessage(Exception):
    """The document is not one of the message. Never leaves ``otlp``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.keys: list[str] = []
        """Where, innermost first."""

    def __str__(self) -> str:
        """The place as a dotted path, then what is wrong there."""
        return ": ".join(filter(None, (".".join(reversed(self.keys)), self.reason)))


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    read: _Read


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a message's object may hold."""

    fields: dict[str, _Field]
    """By JSON name."""
    choices: tuple[frozenset[str], ...]
    """Names of fields of which at most one may be present."""


def read_message(kind: type[_Some], document: Any, level: int = 1) -> _Some:
    """The message that a parsed JSON document says. Raises NotThisMessage.

    ``level`` counts the messages around it and itself.
    """
    return kind(**_read_object(cast("Descriptor", kind.DESCRIPTOR), document, level))


def read_text(value: Any) -> str:
    """Text of the document. Raises NotThisMessage."""
    return _read_text(value, 0)


def _read_object(descriptor: Descriptor, value: Any, depth: int) -> dict[str, Any]:
    if type(value) is not dict:
        raise NotThisMessage(f"{reprlib.repr(value)} is not an object")
    if depth > DEPTH_MAX:
        raise NotThisMessage(f"nested deeper than {DEPTH_MAX} messages")
    shape = _shape(descriptor)
    found: dict[str, Any] = {}
    for key, item in value.items():
        field = shape.fields.get(key)
        if field is None or item is None:
            continue
        try:
            found[field.name] = field.read(item, depth + 1)
        except NotThisMessage as problem:
            problem.keys.append(key)
            raise
    for choice in shape.choices:
        if len(choice & found.keys()) > 1:
            raise NotThisMessage(f"more than one of {', '.join(sorted(choice & found.keys()))}")
    return found


@cache
def _shape(descriptor: Descriptor) -> _Shape:
    return _Shape(
        {field.json_name: _Field(field.name, _reader(field)) for field in descriptor.fields},
        tuple(
            frozenset(field.name for field in choice.fields)
            for choice in descriptor.oneofs
            if len(choice.fields) > 1
        ),
    )


def _reader(field: FieldDescriptor) -> _Read:
    read = _reader_of_one(field)
    return partial(_read_list, read) if field.is_repeated else read


def _reader_of_one(field: FieldDescriptor) -> _Read:
    kind = field.cpp_type
    if field.message_type is not None:
        return partial(_read_object, field.message_type)
    if field.enum_type is not None:
        numbers = {name: value.number for name, value in field.enum_type.values_by_name.items()}
        return partial(_read_enum, numbers)
    if kind in _RANGES:
        return partial(_read_integer, *_RANGES[kind])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _read_id if field.name in _ID_FIELDS else _read_bytes
    return _READERS[kind]


def _read_list(read: _Read, value: Any, depth: int) -> list[Any]:
    if type(value) is not list:
        raise NotThisMessage(f"{reprlib.repr(value)} is not an array")
    return [read(item, depth) for item in value]


def _read_integer(least: int, most: int, value: Any, _depth: int) -> int:
    """A number or decimal text, also ``1.795e18`` or ``1.0``: exact, and whole."""
    if type(value) is int:
        number = value
    elif type(value) in {str, FloatText} and _INTEGER.fullmatch(value):
        number = int(value)
    else:
        number = _whole(value)
    if not least <= number <= most:
        raise NotThisMessage(f"{reprlib.repr(value)} is out of range")
    return number


def _whole(value: Any) -> int:
    """What a number in the form of a double says, without a detour by way of one."""
    text = repr(value) if type(value) is float else value
    if type(text) not in {str, FloatText} or not _NUMBER.fullmatch(text):
        raise NotThisMessage(f"{reprlib.repr(value)} is not an integer")
    if len(text) > _NUMBER_CHARACTERS_MAX:
        raise NotThisMessage(f"{reprlib.repr(value)} is out of range")
    try:
        number = Decimal(text)
    except ArithmeticError:  # an exponent of more digits than Decimal has
        raise NotThisMessage(f"{reprlib.repr(value)} is out of range") from None
    if number and number.adjusted() > _DIGITS_MAX:
        raise NotThisMessage(f"{reprlib.repr(value)} is out of range")
    whole = int(number)
    if whole != number:
        raise NotThisMessage(f"{reprlib.repr(value)} is not an integer")
    return whole


def _read_enum(numbers: dict[str, int], value: Any, depth: int) -> int:
    """A number, or a name of the enumeration, which older exporters write."""
    if type(value) is str and not _INTEGER.fullmatch(value):
        if value not in numbers:
            raise NotThisMessage(f"{reprlib.repr(value)} is not a name of the enumeration")
        _count_leniency()
        return numbers[value]
    return _read_integer(*_RANGES[FieldDescriptor.CPPTYPE_INT32], value, depth)


def _read_double(value: Any, _depth: int) -> float:
    if type(value) is str:
        if value in _SPECIAL_DOUBLES:
            return _SPECIAL_DOUBLES[value]
        value = float(value) if _NUMBER.fullmatch(value) else value
    try:
        number = float(value) if type(value) in {int, float, FloatText} else None
    except OverflowError:
        number = None
    if number is None or not isfinite(number):
        raise NotThisMessage(f"{reprlib.repr(value)} is not a double")
    return number


def _read_bool(value: Any, _depth: int) -> bool:
    if type(value) is not bool:
        raise NotThisMessage(f"{reprlib.repr(value)} is not a boolean")
    return value


def _read_text(value: Any, _depth: int) -> str:
    r"""Text. Half a surrogate pair, what is left where JavaScript cuts a text, becomes U+FFFD."""
    if type(value) is not str:
        raise NotThisMessage(f"{reprlib.repr(value)} is not text")
    return value if value.isascii() else _SURROGATE.sub("\ufffd", value)


def _read_bytes(value: Any, _depth: int) -> bytes:
    """Base64 of either alphabet, padded or not."""
    try:
        return _from_base64(_read_text(value, _depth))
    except ValueError:
        raise NotThisMessage(f"{reprlib.repr(value)} is not base64") from None


def _read_id(value: Any, _depth: int) -> bytes:
    """Hex of any case, or what ``json_format`` writes for it, which its length and end give away.

    Other text is an invalid ID, and that is the span's problem, not the request's.
    """
    text = _read_text(value, _depth)
    try:
        if len(text) in _BASE64_ID_LENGTHS and text.endswith("="):
            _count_leniency()
            return _from_base64(text)
        return binascii.unhexlify(text)
    except ValueError:
        return b""


def _count_leniency() -> None:
    counter = LENIENCY.get()
    if counter is not None:
        counter.values += 1


def _from_base64(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


_READERS: dict[int, _Read] = {
    FieldDescriptor.CPPTYPE_STRING: _read_text,
    FieldDescriptor.CPPTYPE_BOOL: _read_bool,
    FieldDescriptor.CPPTYPE_DOUBLE: _read_double,
}

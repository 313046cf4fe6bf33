"""JSON values that every reader takes alike: what Junjo's contract calls portable. Pure.

The bounds are those of Junjo's SDK: a double holds integers up to 2^53-1 exactly, values are
nested up to 128 deep, and text has no lone surrogate, which UTF-8 cannot hold.
"""

import json
import math
from typing import Any, NamedTuple, TypeGuard

INTEGER_MAX = 2**53 - 1
"""What a double, JavaScript's number, holds without a gap."""
DEPTH_MAX = 128
"""Levels below the outermost value."""


class NotPortable(ValueError):
    """A value that some reader would take for another one, or not at all."""


class Size(NamedTuple):
    """Of a JSON value."""

    values: int
    """All values inside it, and itself."""
    text: int
    """Characters of its texts and names, and eight for each other value: about its bytes."""


def parse_portable(text: str) -> Any:
    """The value of JSON text. Raises NotPortable."""
    try:
        value = json.loads(text, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise NotPortable(f"not JSON: {error}") from None
    check_portable(value)
    return value


def check_portable(value: Any, text_max: float = math.inf) -> Size:
    """How large a value is. Raises NotPortable for one that is not, or has more text."""
    values = text = 0
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        if not level:
            return Size(values, text)
        values += len(level)
        for one in level:
            text += _text_of(one)
            if text > text_max:
                raise NotPortable(f"more than {text_max} characters")
        level = [one for parent in level for one in _children(parent)]
    if level:
        raise NotPortable(f"nested more than {DEPTH_MAX} deep")
    return Size(values, text)


def is_portable_text(value: object) -> TypeGuard[str]:
    """Text that is not empty and that UTF-8 holds."""
    return isinstance(value, str) and value != "" and _is_utf8(value)


def _children(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _text_of(value: Any) -> int:
    if isinstance(value, str):
        return _checked_text(value)
    if isinstance(value, dict):
        return 8 + sum(map(_checked_text, value))
    if not isinstance(value, bool) and isinstance(value, int | float):
        _check_number(value)
    return 8


def _checked_text(text: str) -> int:
    if not _is_utf8(text):
        raise NotPortable("text with a lone surrogate")
    return len(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_number(value: float) -> None:
    """A double without a fraction is an integer to those who have one type of number."""
    if not math.isfinite(value):
        raise NotPortable("a number beyond the doubles")
    if abs(value) > INTEGER_MAX and value == int(value):
        raise NotPortable("an integer beyond 2^53-1")


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")

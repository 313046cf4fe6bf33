"""The kinds of values that settings have: which there are, and how each is read."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from indexer.settings.setting import Kind
from indexer.settings.values import (
    Secret,
    bytes_text,
    file_mode,
    key_list,
    name_list,
    origin_list,
    parse_bytes,
    parse_seconds,
    seconds_text,
    some_path,
)

T = TypeVar("T")
N = TypeVar("N", int, float)
_WHOLE = re.compile(r"([+-]?[0-9]+(?:_[0-9]+)*)(?:\.0*)?", re.ASCII)
"""With the point that templates of YAML give to a number."""
_NUMBER_CHARS_MAX = 64
_SWITCHES = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}


def whole_number(lowest: int, highest: int) -> Kind[int]:
    """A number without fraction within bounds."""
    return _within(_whole, lowest, highest)


def seconds(lowest: float, highest: float) -> Kind[float]:
    """A number of seconds, or a duration such as ``1h30m``, within bounds."""
    return _within(_seconds, lowest, highest, seconds_text)._replace(write=seconds_text)


def byte_count(lowest: int, highest: int | None = None) -> Kind[int]:
    """A number of bytes, or a size such as ``512MiB``, within bounds; read as a number."""
    return _within(_bytes, lowest, highest, bytes_text)._replace(write=bytes_text)


def byte_size(lowest: str, highest: str = "1024TiB") -> Kind[str]:
    """The same as DuckDB takes it: ``512MiB`` is read as ``536870912B``."""
    bounds = f"{lowest} to {highest}"
    least, most = parse_bytes(lowest), parse_bytes(highest)

    def read(value: object) -> str:
        size = _bytes(value)
        if not least <= size <= most:
            raise ValueError(f"expected {bounds}")
        return f"{size}B"

    return Kind(read, bounds, write=lambda size: bytes_text(parse_bytes(size)))


def choice(options: tuple[T, ...]) -> Kind[T]:
    """One of several texts, in upper or lower case."""
    folded = {str(one).casefold(): one for one in options}
    expected = ", ".join(str(one) or "nothing" for one in options)

    def read(value: object) -> T:
        try:
            return folded[str(value).strip().casefold()]
        except KeyError:
            raise ValueError(f"expected one of: {expected}") from None

    return Kind(read, options=tuple(str(one) for one in options))


def _within(
    read: Callable[[Any], N], lowest: N, highest: N | None, text: Callable[[N], str] = str
) -> Kind[N]:
    least = text(lowest)
    bounds = f"{least} or more" if highest is None else f"{least} to {text(highest)}"

    def check(value: object) -> N:
        found = read(value)
        if not lowest <= found <= (found if highest is None else highest):
            raise ValueError(f"expected {bounds}")
        return found

    return Kind(check, bounds)


def _whole(value: object) -> int:
    if isinstance(value, int):
        return value
    text = str(value).strip()
    found = _WHOLE.fullmatch(text) if len(text) <= _NUMBER_CHARS_MAX else None
    if found is None:
        raise ValueError("expected a whole number")
    return int(found[1])


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else parse_seconds(str(value))


def _bytes(value: object) -> int:
    return value if isinstance(value, int) else parse_bytes(str(value))


def _switch(value: object) -> bool:
    try:
        return _SWITCHES[str(value).strip().casefold()]
    except KeyError:
        raise ValueError("expected true or false") from None


def _path(value: str | Path) -> Path:
    return Path(some_path(value))


TEXT = Kind(str)
SECRET = Kind(Secret)
SWITCH = Kind(_switch, options=("true", "false"))
PATH = Kind(_path)
CONSENT = choice(("", "yes-without-a-token"))
"""That a port is open to other machines without a token."""
NAMES = Kind(name_list)
ORIGINS = Kind(origin_list)
KEYS = Kind(key_list)
FILE_MODE = Kind(file_mode)

"""Values of settings as people write them: sizes, durations, paths, modes, secrets, lists."""

import math
import re
from pathlib import Path
from urllib.parse import urlsplit

from indexer.catalog.limits import KEYS_MAX
from indexer.system.permissions import FileModes

KEY_CHARS_MAX = 256
"""Far longer than any key of the semantic conventions."""
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([KMGT]?)(I?)B?", re.ASCII | re.IGNORECASE)
"""As Kubernetes and DuckDB write them: with an ``i`` the steps are 1024, without it 1000."""
_SIZE_STEPS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_BYTES_PER = {"TiB": 1 << 40, "GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}
_SECONDS_PER = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)", re.ASCII)
_DURATION_CHARS_MAX = 64


class Secret:
    """A text that no log, message or representation shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret()" if self._text else "Secret('')"

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text


def parse_bytes(text: str) -> int:
    """The number of bytes of text like ``512MiB``, ``1GB`` or ``512Mi``. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or (found[3] and not found[2]):
        raise ValueError("expected a size such as 512MiB, 2GiB or 1GB")
    step = _SIZE_STEPS[found[2].upper()]
    return int(float(found[1]) * pow(1024 if found[3] else 1000, step))


def bytes_text(size_bytes: int) -> str:
    """The size in the largest unit that it is a whole number of: ``512MiB``."""
    for unit, size in _BYTES_PER.items():
        if size_bytes and size_bytes % size == 0:
            return f"{size_bytes // size}{unit}"
    return f"{size_bytes}B"


def seconds_text(seconds: float) -> str:
    """The time in the largest unit that it is a whole number of: ``30d``; else in seconds."""
    units = [name for name, size in _SECONDS_PER.items() if size >= 1 and seconds % size == 0]
    unit = units[-1] if seconds and units else "s"
    return f"{seconds / _SECONDS_PER[unit]:.15g}{unit}"


def parse_seconds(text: str) -> float:
    """The seconds of a number, or of text like ``30s``, ``1h30m`` or ``7d``. Raises ValueError."""
    text = text.strip().lower()
    parts = _DURATION_PART.findall(text) if len(text) <= _DURATION_CHARS_MAX else []
    if parts and "".join(number + unit for number, unit in parts) == text:
        return math.fsum(float(number) * _SECONDS_PER[unit] for number, unit in parts)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError("expected seconds, or a duration such as 30s, 1h or 7d")
    return seconds


def some_path(text: str | Path) -> str | Path:
    """A path that names something. Raises ValueError."""
    if not str(text).strip():
        raise ValueError("expected a path, found an empty one")
    if "\0" in str(text):
        raise ValueError("expected a path without a zero byte")
    return text


def file_mode(text: str) -> str:
    """An octal mode of files that others read. Raises ValueError."""
    if not (text and set(text) <= set("01234567")):
        raise ValueError("expected an octal mode such as 0640")
    FileModes.of(int(text, 8))
    return text


def name_list(text: str) -> str:
    """Names separated by commas or spaces, in lower case."""
    return ",".join(text.lower().replace(",", " ").split())


def name_set(names: str) -> frozenset[str]:
    """The names of a list that ``name_list`` or ``origin_list`` has checked."""
    return frozenset(name for name in names.split(",") if name)


def origin_list(text: str) -> str:
    """Origins of web pages (RFC 6454), or ``*``. Raises ValueError."""
    origins = name_list(text)
    for origin in origins.split(",") if origins else ():
        parts = urlsplit(origin)
        bare = parts.scheme and parts.netloc and not (parts.path or parts.query or parts.fragment)
        if origin != "*" and not bare:
            raise ValueError(f"{origin!r} is not an origin like https://app.example.com, or *")
    return origins


def key_list(text: str) -> str:
    """Different attribute keys, separated by commas. Raises ValueError."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    if len(keys) > KEYS_MAX or len(set(keys)) < len(keys):
        raise ValueError(f"expected up to {KEYS_MAX} different keys, separated by commas")
    if any(len(key) > KEY_CHARS_MAX for key in keys):
        raise ValueError(f"expected keys of up to {KEY_CHARS_MAX} characters")
    return ",".join(keys)

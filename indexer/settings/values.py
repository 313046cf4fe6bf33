"""Values of settings as people write them: sizes, modes, lists of names, keys and origins."""

from urllib.parse import urlsplit

from pydantic import AfterValidator

from indexer.catalog.limits import KEYS_MAX
from indexer.system.permissions import FileModes

KEY_CHARS_MAX = 256
"""Far longer than any key of the semantic conventions."""
_BYTE_UNITS = {"B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


def byte_size(least: str, most: str = "1024TiB") -> AfterValidator:
    """Text like ``512MiB`` within bounds, as ``536870912B``."""

    def check(text: str) -> str:
        size = parse_bytes(text)
        if not parse_bytes(least) <= size <= parse_bytes(most):
            raise ValueError(f"expected {least} to {most}")
        return f"{size}B"

    return AfterValidator(check)


def parse_bytes(text: str) -> int:
    """The number of bytes of text like ``512MiB``. Raises ValueError."""
    number = text.rstrip("BbIiKkMmGgTt ")
    unit = text[len(number) :].strip().upper() or "B"
    try:
        return int(float(number) * _BYTE_UNITS[unit])
    except (ValueError, KeyError, OverflowError):
        raise ValueError("expected a size like 512MiB or 2GiB") from None


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

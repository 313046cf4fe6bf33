"""Values of spans and files as people read them, by the names of their columns.

JSON and CSV have every value exactly; these are for a terminal.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

_MICRO, _MILLI, _SECOND = 1_000, 1_000_000, 1_000_000_000
_MINUTE_S, _HOUR_S = 60, 3_600
STATUSES = ("unset", "OK", "ERROR")
KINDS = ("unspecified", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
"""Each at the place of OTLP's number."""
_SIZE_STEP = 1024


def instant_text(unix_nano: int) -> str:
    """A time in UTC to the millisecond; empty for 0, which says that there is none."""
    if not unix_nano:
        return ""
    seconds, nanos = divmod(unix_nano, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{nanos // _MILLI:03d}Z"


def duration_text(nanos: int) -> str:
    """A length of time in the unit that leaves it a few digits."""
    if nanos < 0:
        return f"-{duration_text(-nanos)}"
    if nanos < _MICRO:
        return f"{nanos} ns"
    for unit, size, top in (("µs", _MICRO, _MILLI), ("ms", _MILLI, _SECOND)):
        if nanos < top:
            return f"{nanos / size:.3f} {unit}"
    seconds = nanos / _SECOND
    if seconds < _MINUTE_S:
        return f"{seconds:.3f} s"
    minutes, rest = divmod(round(seconds), _MINUTE_S)
    if seconds < _HOUR_S:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def size_text(size_bytes: int) -> str:
    """A size in the unit that leaves it a few digits."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < _SIZE_STEP:
            return f"{size_bytes} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= _SIZE_STEP
    return f"{size:.1f} TiB"


def human_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with values as people read them, under the names that are left without units."""
    return dict(_human(name, value) for name, value in row.items())


def _human(name: str, value: Any) -> tuple[str, Any]:
    for ending, show in _ENDINGS.items():
        if name.endswith(ending) and isinstance(value, int | None):
            kept = name.removesuffix(ending) or name
            return kept, value if value is None else show(value)
    if name in _WORDS and isinstance(value, int):
        words = _WORDS[name]
        return _RENAMED[name], words[value] if 0 <= value < len(words) else value
    if isinstance(value, str | datetime) and name in _TIMES:
        return name, _short_time(value)
    return name, value


def _short_time(value: str | datetime) -> Any:
    """A time that the worker's JSON has as text, or the catalog as a time."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


_ENDINGS: Mapping[str, Callable[[int], str]] = {
    "_unix_nano": instant_text,
    "_ns": duration_text,
    "_bytes": size_text,
}
_WORDS = {"status_code": STATUSES, "span_kind": KINDS}
_RENAMED = {"status_code": "status", "span_kind": "kind"}
_TIMES = frozenset({"min_time", "max_time", "indexed_at", "first_seen", "last_seen"})

"""What all rows of one data file have under an attribute key, as far as a search needs it. Pure."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.spans.identifiers import UInt64Array
from indexer.spans.value_filter import hash_numbers, hash_text, hash_truths, may_contain

REPLACEMENT = "\ufffd"
"""What a text has for bytes that are not UTF-8: they, and not it, are in the filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySummary:
    """Which values some row may have; a value that is there is never denied."""

    is_present: bool
    """Whether any row may have the key."""
    least: float | None = None
    """Of the numbers, rounded to a double; None where there are none."""
    greatest: float | None = None
    has_text: bool = False
    """Whether any value may be text."""
    value_filter: bytes | None = None
    """Of all values that are text, numbers, true or false. None where not all of them are known:
    then nothing else is but ``is_present``."""

    def may_have(self, value: Any) -> bool:
        """Whether some row may have a value that is equal to this text, number, true or false."""
        if self.value_filter is None or not self.is_present:
            return self.is_present
        if isinstance(value, str):
            is_odd = REPLACEMENT in value
            return self.has_text and (is_odd or may_contain(self.value_filter, hash_text(value)))
        hashed = hash_value(value)
        return hashed is None or may_contain(self.value_filter, hashed)

    def may_have_text(self) -> bool:
        """Whether some row may have a text."""
        return self.is_present and (self.value_filter is None or self.has_text)

    def may_have_number(self, least: float, greatest: float) -> bool:
        """Whether some row may have a number from ``least`` to ``greatest``, both included."""
        if self.value_filter is None or not self.is_present:
            return self.is_present
        if self.least is None or self.greatest is None:
            return False
        return self.least <= greatest and self.greatest >= least


ABSENT = KeySummary(is_present=False, value_filter=b"")
"""No row has the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKeySummary:
    """The summary of one key of one file, as the file was when it was registered."""

    relative_path: str
    footer_digest: str
    stamp: tuple[int, int]
    """(size in bytes, modification time in ns)."""
    owner: str
    """Whose attribute: span, resource, scope or event."""
    key: str
    summary: KeySummary

    @property
    def size_bytes(self) -> int:
        """About what it takes in the catalog and in memory."""
        return _ROW_BYTES + len(self.key) + len(self.summary.value_filter or b"")


_ROW_BYTES = 100
"""Of a row beside its key and its filter."""


def values_under(key: str, stored: Any, *, of_events: bool = False) -> Iterator[Any]:
    """What stands under a key of canonical attributes, or of those of each event.

    The elements of an array each, and an empty one as itself; null is nothing.
    """
    for holder in stored if of_events and isinstance(stored, list) else [stored]:
        attributes = holder
        if of_events:
            attributes = holder.get("attributes") if isinstance(holder, dict) else None
        value = attributes.get(key) if isinstance(attributes, dict) else None
        if isinstance(value, list) and value:
            yield from value
        elif value is not None:
            yield value


def hash_value(value: Any) -> UInt64Array | None:
    """Of a canonical value, as an array of one; None for what no condition is equal to."""
    if isinstance(value, bool):
        return hash_truths(np.array([value]))
    if isinstance(value, str):
        return hash_text(value)
    number = double_of(value)
    return None if number is None else hash_numbers(np.array([number]))


def double_of(value: Any) -> float | None:
    """The nearest finite double of a number that is not true or false; None of all else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None

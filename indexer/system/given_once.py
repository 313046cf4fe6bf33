"""What has one value is given once: a later one would be answered, and an earlier one not."""

from collections import Counter
from collections.abc import Iterable


def repeated(names: Iterable[str]) -> dict[str, str]:
    """What is said of each that is there more than once."""
    return {
        name: f"given {count} times; it has one value"
        for name, count in Counter(names).items()
        if count > 1
    }

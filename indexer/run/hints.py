"""Paths that file events named and nobody has looked at yet: from any thread, and bounded."""

import threading

HINTS_MAX = 10_000
"""Beyond, one sweep is cheaper than so many looks."""


class Hints:
    """A set that is taken whole."""

    def __init__(self) -> None:
        self._paths: set[str] = set()
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        with self._lock:
            return bool(self._paths)

    def add(self, paths: set[str]) -> bool:
        """Keep them; False when there are too many, and all were dropped for a sweep."""
        with self._lock:
            self._paths |= paths
            fits = len(self._paths) <= HINTS_MAX
            if not fits:
                self._paths.clear()
            return fits

    def take(self) -> set[str]:
        """All of them; they are kept no more."""
        with self._lock:
            taken, self._paths = self._paths, set()
        return taken

"""Readings of files that a connection has in hand, and what the last ones found.

DuckDB asks for the groups of a file by number, in order. A question may end before the file does,
so what is open is bounded; a group that is asked for again is read again.
"""

import json
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import asdict
from itertools import count
from threading import Lock

import pyarrow as pa

from indexer.deferred_dataclass import dataclass
from indexer.errors import OtlpFileTooLarge
from indexer.otlp.files.byte_stream import Source
from indexer.otlp.files.paths import FileAccess
from indexer.otlp.files.scan import GROUP_BYTES, OnError, Scan, ScanOptions, ScanStats
from indexer.otlp.requests import Signal
from indexer.otlp.rows.schemas import Kind

OPEN_MAX = 64
"""Files open at once: a question that is over may have left some."""
STATS_MAX = 1000
"""Readings that are remembered."""
INFLATED_BYTES_MAX = 16 << 30
"""Of one compressed file: 2 GB at eight to one. A bomb ends here."""
INFLATION_MAX = 1032
"""As far as gzip can inflate at all, by the notes of zlib's authors."""
_SMALL_BYTES = 256 << 20
"""To which any compressed file may inflate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingSpec:
    """One reading of one file, as text between SQL functions."""

    number: int
    file: str
    kind: Kind
    on_error: OnError
    signal: Signal | None
    bytes_max: int
    groups: int

    def text(self) -> str:
        """The specification as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "ReadingSpec":
        """What ``text`` made."""
        return cls(**json.loads(text))


class _Reading:
    """A file that is being read."""

    def __init__(self, spec: ReadingSpec, source: Source) -> None:
        options = ScanOptions(kind=spec.kind, on_error=spec.on_error, signal=spec.signal)
        scan = Scan(spec.file, source, options)
        self.stats = scan.stats
        self.next = 0
        self.is_over = False
        self._spec, self._source = spec, source
        self._groups: Iterator[list[pa.RecordBatch]] = scan.groups()
        self._last: list[pa.RecordBatch] = []

    def group(self, number: int) -> list[pa.RecordBatch]:
        """The batches of a group, which is the last one that was read or comes after it."""
        while self.next <= number:
            found = None if self.is_over else next(self._groups, None)
            self.is_over = found is None
            self._last = found or []
            self.next += 1
        if number >= self._spec.groups and not self.is_over:
            raise OtlpFileTooLarge(
                f"{self._spec.file} inflates to more than {self._spec.groups * GROUP_BYTES} bytes",
                path=self._spec.file,
            )
        return self._last

    def close(self) -> None:
        self._source.close()


class Readings:
    """All readings of a connection."""

    def __init__(self, access: FileAccess) -> None:
        self._access = access
        self._numbers = count(1)
        self._open: OrderedDict[int, _Reading] = OrderedDict()
        self._stats: deque[tuple[int, ScanStats]] = deque(maxlen=STATS_MAX)
        self._lock = Lock()
        weakref.finalize(self, _close_all, self._open)  # with the connection

    def begin(
        self, file: str, kind: Kind, on_error: OnError, signal: Signal | None, bytes_max: int
    ) -> ReadingSpec:
        """A reading of the file, which is not opened yet. Raises IndexerError."""
        size, is_inflated = self._access.size_and_coding(file)
        if is_inflated:
            size = min(INFLATED_BYTES_MAX, max(_SMALL_BYTES, size * INFLATION_MAX))
        return ReadingSpec(
            number=next(self._numbers),
            file=file,
            kind=kind,
            on_error=on_error,
            signal=signal,
            bytes_max=bytes_max,
            groups=size // GROUP_BYTES + 1,
        )

    def group(self, spec: ReadingSpec, number: int) -> list[pa.RecordBatch]:
        """The batches of a group; none beyond the end of the file. Raises IndexerError."""
        with self._lock:
            reading = self._open.pop(spec.number, None)
            if reading is None or number < reading.next - 1:
                reading = self._begin_again(spec)
            self._open[spec.number] = reading
            try:
                found = reading.group(number)
            except BaseException:
                self._close(spec.number)
                raise
            if reading.is_over:
                reading.close()
            while len(self._open) > OPEN_MAX:
                self._close(next(iter(self._open)))
            return found

    def stats(self) -> list[tuple[int, ScanStats]]:
        """(number of the reading, what it found), the newest last."""
        return list(self._stats)

    def _begin_again(self, spec: ReadingSpec) -> _Reading:
        opened = self._access.open(spec.file, spec.bytes_max)
        reading = _Reading(spec, opened)
        kept = [(number, one) for number, one in self._stats if number != spec.number]
        self._stats.clear()
        self._stats.extend([*kept, (spec.number, reading.stats)])
        return reading

    def _close(self, number: int) -> None:
        self._open.pop(number).close()


def _close_all(readings: OrderedDict[int, _Reading]) -> None:
    for reading in readings.values():
        reading.close()

"""An ingestion that behaves as Junjo's does, in this process and by the clock of a test.

Its log is in memory. A flush writes a file below the folder of the day, and then forgets the rows.
A hot snapshot is one fixed file beside the storage, handed out again for a second unless the log
is empty. Its list of recent files is cut by number and by age, and a restart forgets it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from indexer.wire.generated import ingestion_pb2 as wire
from tests.hot.servers import Server
from tests.support.fake_clock import FakeClock
from tests.support.span_files import Span, write

CACHED_S = 1.0
RECENT_FILES_MAX = 20
RECENT_FILES_S = 120.0


class JunjoIngestion(Server):
    def __init__(self, folder: Path, clock: FakeClock) -> None:
        super().__init__()
        self.root = folder / "spans"
        self.hot_folder = folder / "hot"
        self.log: list[Span] = []
        self._clock = clock
        self._files = 0
        self.restart()

    def restart(self) -> None:
        """The log is on disk; what it had in memory is gone."""
        self._recent: list[tuple[float, Path]] = []
        self._cached: tuple[float, wire.PrepareHotSnapshotResponse] | None = None

    def flush(self, path: Path | None = None) -> Path:
        """The rows of the log are in a file, and no longer hot; at a path that is not Junjo's."""
        at = datetime.fromtimestamp(self._clock.now_unix_nano() / 1e9, UTC)
        self._files += 1
        name = f"{at:%Y%m%d_%H%M%S}_{self._files:08x}.parquet"
        path = path or self.root / f"{at:year=%Y/month=%m/day=%d}" / name
        write(path, self.log)
        self._recent.insert(0, (self._clock.monotonic_s(), path))
        self.log = []
        return path

    @property
    def snapshots(self) -> int:
        """How often it was asked for one."""
        return self.calls.count("PrepareHotSnapshot")

    def PrepareHotSnapshot(self, request, context):  # noqa: N802 - gRPC names it
        self.called("PrepareHotSnapshot", context)
        now_s = self._clock.monotonic_s()
        if self._cached is None or now_s - self._cached[0] >= CACHED_S or not self.log:
            self._cached = (now_s, self._snapshot(now_s))
        return self._cached[1]

    def _snapshot(self, now_s: float) -> wire.PrepareHotSnapshotResponse:
        recent = [path for at_s, path in self._recent if now_s - at_s <= RECENT_FILES_S]
        answer = wire.PrepareHotSnapshotResponse(
            success=True, recent_cold_paths=[str(path) for path in recent[:RECENT_FILES_MAX]]
        )
        path = self.hot_folder / "hot_snapshot.parquet"
        if self.log:
            answer.snapshot_path = str(write(path, self.log))
            answer.row_count = len(self.log)
            answer.file_size_bytes = path.stat().st_size
        else:
            with suppress(FileNotFoundError):
                path.unlink()
        return answer

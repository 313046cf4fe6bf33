"""A power cut costs no acknowledged request, wherever it falls and whatever the disk had kept.

All that a real ingestion does to its files is recorded; from the record come disks as power cuts
may leave them, and on each the ingestion starts again. The same check finds what is lost when one
of the syncs is left out, so it can fail.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.ingest.flush import Flusher
from indexer.ingest.layout import is_temporary
from indexer.ingest.wal import Wal
from indexer.ingest.writer_process import WriterProcess
from indexer.otlp.spans import span_table
from tests.ingest.bodies import files_below, numbers_in, pending
from tests.ingest.power.disk import Disk
from tests.ingest.power.load import LOG, SPANS, record, spans_of
from tests.ingest.power.recording import ACKNOWLEDGED, Change, Recording, recorder
from tests.support.processes import Site

__all__ = ["recorder"]

pytestmark = pytest.mark.process

CUTS, SOAK_CUTS = 50, 3000
KEPT = (0.0, 0.2, 0.5, 0.8, 1.0)
"""Of what was written and not synced."""
MUTANT_CUTS = 30
"""In most of them a missing sync shows."""


@pytest.fixture(scope="module")
def recorded(
    recorder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Recording]]:
    """A recording per setting of ``synchronous``, made when first asked for."""
    made: dict[str, Recording] = {}

    def get(synchronous: str) -> Recording:
        if synchronous not in made:
            folder = tmp_path_factory.mktemp("recorded")
            disk = folder / "disk"
            disk.mkdir()
            made[synchronous] = Recording(recorder, disk, folder / "record")
            site = Site(folder / "site")
            try:
                record(site, made[synchronous], INGESTION_WAL_SYNCHRONOUS=synchronous)
            finally:
                site.close()
        return made[synchronous]

    yield get
    for one in made.values():
        one.close()


class Cuts:
    """Power cuts at random moments of a recording, and what was missing after each."""

    def __init__(self, recording: Recording, folder: Path, process: WriterProcess) -> None:
        self._changes = list(recording.changes())
        self._recording = recording
        self._folder = folder
        self._process = process
        self.found: list[int] = []

    def faults(
        self, seed: int, count: int, ignores: Callable[[Change], bool] = lambda _: False
    ) -> list[str]:
        """One line for each cut after which not all was well."""
        chance = random.Random(seed)
        moments = Counter(chance.choices(range(1, len(self._changes) + 1), k=count))
        disk = Disk(self._recording.folder, ignores=ignores)
        acknowledged: set[int] = set()
        faults = []
        for at, change in enumerate(self._changes, 1):
            if change.kind == ACKNOWLEDGED:
                acknowledged.add(change.offset)
            else:
                disk.follow(change)
            for _ in range(moments[at]):
                image, kept = self._folder / f"{len(self.found)}", chance.choice(KEPT)
                disk.cut(chance, kept, image)
                faults += [
                    f"cut after {at}, kept {kept}: {one}"
                    for one in self._wrong(image, acknowledged)
                ]
        return faults

    def _wrong(self, image: Path, acknowledged: set[int]) -> list[str]:
        try:
            found = after_restart(image, self._process)
        except Exception as error:
            self.found.append(0)
            return [f"{type(error).__name__}: {error}"]
        self.found.append(len(found))
        lost = sorted(acknowledged - found.keys())
        odd = {number for number, spans in found.items() if spans != spans_of(number)}
        return ([f"lost {lost}"] if lost else []) + ([f"not once: {sorted(odd)}"] if odd else [])


def after_restart(image: Path, process: WriterProcess) -> Counter[int]:
    """Start on the disk; the numbers in log and files, once a span. Every file must be whole."""
    for path in whole_files(image):
        pq.read_table(path, page_checksum_verification=True)
    wal = Wal.open(image / LOG)
    try:
        flusher = Flusher(wal, image / SPANS, process)
        flusher.start()
        flusher.stop()
        flusher.flush_due()
        bodies = [one for _, one in pending(wal)]
        logged = span_table(bodies)["trace_id"].to_pylist()
    finally:
        wal.close()
    found = Counter(int(one, 16) - 1 for one in logged)
    for path in whole_files(image):
        found.update(numbers_in(path))
    return found


def whole_files(image: Path) -> list[Path]:
    return [path for path in files_below(image / SPANS) if not is_temporary(path.name)]


def test_the_record_is_all_that_was_written(recorded, tmp_path):
    """With nothing lost the disk that it makes equals the real one, byte for byte."""
    recording = recorded("FULL")
    disk = Disk(recording.folder)
    for change in recording.changes():
        if change.kind != ACKNOWLEDGED:
            disk.follow(change)
    disk.everything(tmp_path / "image")
    real, made = (
        {path.relative_to(folder): path.read_bytes() for path in files_below(folder)}
        for folder in (recording.folder, tmp_path / "image")
    )
    assert made == real
    assert len(real) > 5


def test_no_acknowledged_request_is_lost_by_a_power_cut(recorded, process, tmp_path, seed, soak):
    """It is in the log or in a whole file, and after the restart's flush in one of them, once."""
    cuts = Cuts(recorded("FULL"), tmp_path, process)
    assert cuts.faults(seed, SOAK_CUTS if soak else CUTS) == []
    print(f"{len(cuts.found)} cuts, {sum(cuts.found)} requests found")
    assert sum(cuts.found) > 20 * len(cuts.found)


def test_a_log_that_does_not_sync_is_found_out(recorded, process, tmp_path, seed):
    """INGESTION_WAL_SYNCHRONOUS=OFF keeps no promise about power, and the check says so."""
    cuts = Cuts(recorded("OFF"), tmp_path, process)
    assert any("lost" in fault for fault in cuts.faults(seed, MUTANT_CUTS))


@pytest.mark.parametrize("left_out", ["folders", "files of spans"])
def test_a_sync_that_is_left_out_is_found_out(recorded, process, tmp_path, seed, left_out):
    """Without the one a file's name may be lost, without the other its content."""

    def ignores(change: Change) -> bool:
        if left_out == "folders":
            return change.is_folder
        return is_temporary(Path(change.path).name)

    cuts = Cuts(recorded("FULL"), tmp_path, process)
    faults = cuts.faults(seed, MUTANT_CUTS, ignores)
    expected = "lost" if left_out == "folders" else pa.ArrowInvalid.__name__
    assert any(expected in fault for fault in faults), faults

"""What an ingestion and a poller write is private or shared as agreed, whatever the umask."""

import stat
import subprocess
import sys
from contextlib import closing

import pytest

from indexer.ingest.flush import Flusher
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.poll_state import PollState
from indexer.ingest.wal import Wal
from indexer.system.permissions import FileModes
from tests.ingest.bodies import UNDECODABLE, append, body
from tests.ingest.conftest import HereAndNow

WRITES = """
import os, sys
from pathlib import Path
from tests.process.test_file_modes import write
os.umask(int(sys.argv[2], 8))
write(Path(sys.argv[1]))
"""
MODES = {
    "state": 0o750,
    "state/poller.sqlite": 0o600,
    "state/poller.sqlite-journal": 0o600,
    "wal": 0o750,
    "wal/hot": 0o750,
    "wal/hot/SNAPSHOT": 0o640,
    "wal/log.sqlite": 0o600,
    "wal/log.sqlite-shm": 0o600,
    "wal/log.sqlite-wal": 0o600,
    "wal/log.sqlite.changes": 0o600,
    "wal/log.sqlite.lock": 0o600,
    "wal/log.sqlite.refused": 0o700,
    "wal/log.sqlite.refused/REQUEST": 0o600,
    "spans": 0o750,
    "spans/YEAR": 0o750,
    "spans/YEAR/MONTH": 0o750,
    "spans/YEAR/MONTH/DAY": 0o750,
    "spans/YEAR/MONTH/DAY/FILE": 0o640,
}
NAMES = {
    "hot_snapshot-": "SNAPSHOT",
    "year=": "YEAR",
    "month=": "MONTH",
    "day=": "DAY",
    "20": "FILE",
    "0": "REQUEST",
}


def write(folder, modes=FileModes()):  # noqa: B008 - a frozen value
    """Everything that an ingestion and a poller make; the modes of it while the log is open."""
    process = HereAndNow()
    wal = Wal.open(folder / "wal" / "log.sqlite", modes=modes)
    with closing(wal), closing(PollState.open(folder / "state" / "poller.sqlite", modes)):
        append(wal, body(0), UNDECODABLE)
        HotSnapshots(wal, folder / "wal" / "hot", process, modes=modes).prepare()
        Flusher(wal, folder / "spans", process, modes=modes).flush_all()
        found = {}
        for path in folder.rglob("*"):
            parts = [_name(part) for part in path.relative_to(folder).parts]
            found["/".join(parts)] = stat.S_IMODE(path.stat().st_mode)
    for name, mode in sorted(found.items()):
        print(f"{mode:04o} {name}")
    return found


def _name(part):
    return next((name for start, name in NAMES.items() if part.startswith(start)), part)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_the_umask_decides_nothing(tmp_path, umask):
    done = subprocess.run(
        [sys.executable, "-c", WRITES, tmp_path, f"{umask:o}"],
        check=True,
        capture_output=True,
        text=True,
    )
    expected = sorted(f"{mode:04o} {name}" for name, mode in MODES.items())
    assert sorted(line for line in done.stdout.splitlines() if line[0] == "0") == expected


def test_a_setting_shares_span_files_and_snapshots_with_nobody_or_with_all(tmp_path):
    """The log stays private all the same."""
    for file, folder in ((0o600, 0o700), (0o644, 0o755)):
        wanted = {0o640: file, 0o750: folder}
        found = write(tmp_path / f"{file:o}", FileModes.of(file))
        assert found == {name: wanted.get(mode, mode) for name, mode in MODES.items()}


def test_what_an_older_version_left_open_is_restricted_at_the_start(tmp_path):
    """All that is ours, but no folder or file of the storage root."""
    write(tmp_path)
    for path in tmp_path.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    process = HereAndNow()
    with closing(Wal.open(tmp_path / "wal" / "log.sqlite")) as wal:
        flusher = Flusher(wal, tmp_path / "spans", process)
        HotSnapshots(wal, tmp_path / "wal" / "hot", process)
        flusher.start()
        flusher.stop()
        PollState.open(tmp_path / "state" / "poller.sqlite").close()
        modes = {
            "/".join(_name(part) for part in path.relative_to(tmp_path).parts): path
            for path in tmp_path.rglob("*")
        }
        for name, path in modes.items():
            is_theirs = name.startswith("spans") or name in ("wal", "state")
            expected = (0o777 if path.is_dir() else 0o666) if is_theirs else MODES[name]
            assert (name, oct(stat.S_IMODE(path.stat().st_mode))) == (name, oct(expected))

"""A file system that takes no more, met by a real process: busy, and at work again afterwards."""

import json
import subprocess
import sys

from tests.support.processes import REPOSITORY

LIMITED = """
import json, resource, sys
from indexer.errors import WalBusy
from indexer.ingest.wal import Wal

wal = Wal.open(sys.argv[1])
keys = [wal.append(b"first", 1).result(100)]
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
refused = []
for number in range(20):
    try:
        keys.append(wal.append(bytes([number]) * 300_000, 1).result(100))
    except WalBusy as error:
        refused.append(error.message)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
keys.append(wal.append(b"last" * 100_000, 1).result(100))
found = wal.read_after(b"", rows_max=1000, bytes_max=2**40)
state = wal.state()
wal.close()
wal = Wal.open(sys.argv[1])
again = wal.read_after(b"", rows_max=1000, bytes_max=2**40)
wal.close()
print(json.dumps({
    "same": [one.key for one in found] == keys == [one.key for one in again],
    "bytes": state.pending_bytes == sum(len(one.body) for one in found),
    "kept": len(keys), "refused": refused,
}))
"""


def test_a_full_disk_is_busy_and_room_makes_it_work_again(tmp_path):
    """Every acknowledged request is there, no refused one is, also after a reopen."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path / "log"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["same"]
    assert found["bytes"]
    assert found["kept"] >= 4
    assert found["refused"]
    assert all("the log refused a transaction" in message for message in found["refused"])

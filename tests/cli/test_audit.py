"""`audit` is the proof, so it must find what it says it would: each kind of damage, by name.

Every test damages a sound catalog or its files in one way, behind the program's back, and expects
exit 1 and the name of what differs. An audit that passes anything is worth nothing.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.support.processes import Done, Site, wait_until
from tests.support.span_files import Span, parquet_bytes, spans

pytestmark = [pytest.mark.process]

VICTIM = "day=1/victim.parquet"


@pytest.fixture
def site(site: Site) -> Site:
    """Three files and their catalog, sound, without a worker."""
    site.write("day=0/a.parquet", spans(5, trace=1))
    site.write(VICTIM, _victim(trace=2))
    site.write("day=2/c.parquet", [*spans(3, trace=1), Span(trace=3)])
    assert site.call("--once").code == 0
    return site


def test_a_sound_catalog_passes(site: Site) -> None:
    """Exit 0, and one line that says what was proven over how much."""
    for mode, claim in (([], "I1 to I5 hold"), (["--fast"], "hold")):
        done = site.call("audit", *mode)
        assert done.code == 0
        assert claim in done.out
        assert done.err == ""
        assert "3 files, 11 spans, digest " in done.out


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (
            "DELETE FROM indexed_spans WHERE trace_id LIKE '%2' AND span_id_uint64 % 16 = 4",
            f"I1 {VICTIM}: holds 4 spans",
        ),
        (
            "UPDATE services SET total_spans = total_spans + 1 WHERE service_name = 'pay'",
            "I5 -: service pay",
        ),
        ("UPDATE services SET first_seen = first_seen + INTERVAL 1 MICROSECOND", "I5 -: service"),
        ("DELETE FROM services WHERE service_name = 'pay'", "I5 -: service pay"),
        (
            "INSERT INTO indexed_spans FROM indexed_spans WHERE trace_id LIKE '%2' LIMIT 1",
            f"I2 {VICTIM}: span",
        ),
        (
            "UPDATE indexed_spans SET duration_ns = 1 WHERE trace_id LIKE '%2' AND span_id_uint64 % 16 = 1",
            f"I1 {VICTIM}: holds 5 spans",
        ),
        ("DELETE FROM trace_files WHERE trace_id LIKE '%2'", f"I3 {VICTIM}: its parts disagree"),
        (
            "UPDATE trace_files SET root_name = 'x' WHERE trace_id LIKE '%2'",
            f"I1 {VICTIM}: trace_files",
        ),
        (
            "UPDATE file_operations SET name = 'x' WHERE service_name = 'pay'",
            f"I1 {VICTIM}: file_operations",
        ),
        (
            "UPDATE parquet_files SET dialect = 'x' WHERE relative_path LIKE '%victim%'",
            f"I1 {VICTIM}: parquet_files",
        ),
        (
            "DELETE FROM parquet_files WHERE relative_path LIKE '%victim%'",
            f"I4 {VICTIM}: is finished and neither",
        ),
    ],
    ids=lambda text: text[:40],
)
def test_a_catalog_changed_by_hand_is_found(site: Site, damage: str, finding: str) -> None:
    """Exit 1, and a line that names the invariant and the file or the service."""
    with duckdb.connect(str(site.pointer.resolve())) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(damage)
    done = site.call("audit")
    assert done.code == 1
    _names(done, finding)


@pytest.mark.parametrize("mode", [[], ["--fast"]], ids=["full", "fast"])
@pytest.mark.parametrize(
    ("how", "finding"),
    [
        ("rewritten", f"I4 {VICTIM}: changed since it was indexed"),
        ("removed", f"I1 {VICTIM}: is indexed and gone"),
        ("added", "I4 day=9/new.parquet: is finished and neither indexed nor quarantined"),
    ],
)
def test_files_changed_behind_the_index_are_found(
    site: Site, mode: list[str], how: str, finding: str
) -> None:
    """Identities are enough for these, so the fast audit sees them as well."""
    if how == "rewritten":
        site.write(VICTIM, spans(6, trace=2, service="pay"))
    elif how == "removed":
        (site.root / VICTIM).unlink()
    else:
        site.write("day=9/new.parquet", spans(1, trace=9))
    done = site.call("audit", *mode)
    assert done.code == 1
    _names(done, finding)


def test_a_flipped_byte_in_a_payload_page_is_found(site: Site) -> None:
    """Size and time are as they were, and nobody reads that column while indexing."""
    _flip(site.root / VICTIM, b"needle in a page")
    assert site.call("audit", "--fast").code == 0
    done = site.call("audit")
    assert done.code == 1
    _names(done, f"I6 {VICTIM}: CorruptPage")
    trace = site.call("trace", f"{2:032x}", "--json").json
    assert trace["complete"] is False
    assert trace["missing"][0]["error_type"] == "CorruptPage"
    assert len(trace["spans"]) == 5


def test_a_rewrite_that_keeps_size_and_time_is_found(site: Site) -> None:
    """Same size, same time, other spans: the fast audit cannot see it, the full one does."""
    path = site.root / VICTIM
    status = path.stat()
    path.write_bytes(parquet_bytes(_victim(trace=4), compression="none"))
    assert path.stat().st_size == status.st_size
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = site.call("audit")
    assert done.code == 1
    assert VICTIM in done.out


def test_a_quarantine_that_no_longer_holds_is_found(site: Site) -> None:
    """A refused file that reads well is a file that was lost."""
    path = site.root / "day=3" / "late.parquet"
    path.parent.mkdir()
    whole = parquet_bytes(spans(2, trace=5))
    path.write_bytes(b"x" * len(whole))
    assert site.call("--once").code == 0
    status = path.stat()
    path.write_bytes(whole)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = site.call("audit")
    assert done.code == 1
    _names(done, "I4 day=3/late.parquet: is quarantined and reads well")


def test_an_unfinished_file_is_pending_and_no_difference(site: Site) -> None:
    """A writer at work is named as such."""
    (site.root / "growing.parquet").write_bytes(b"PAR1")
    done = site.call("audit")
    assert done.code == 0
    assert "pending growing.parquet: not indexed yet" in done.out


def test_the_report_as_json(site: Site) -> None:
    """What the lines say, for programs: findings by invariant, path and detail."""
    (site.root / VICTIM).unlink()
    done = site.call("audit", "--json")
    assert done.code == 1
    report = done.json
    assert report["passed"] is False
    assert report["mode"] == "full"
    assert report["findings"] == [
        {"invariant": "I1", "relative_path": VICTIM, "detail": "is indexed and gone"}
    ]


def test_an_audit_leaves_no_trace(site: Site, tmp_path: Path) -> None:
    """It builds a second catalog, and nothing of it stays behind.

    What memory cannot hold is spilled into one folder of the user, which stays and is empty.
    """
    folder = tmp_path / "scratch"
    folder.mkdir()
    site.set(TMPDIR=folder)
    assert site.run("audit").code == 0
    left = sorted(path.name for path in folder.rglob("*"))
    assert left in ([], [f"span-index-{os.geteuid()}"])


def test_a_worker_heals_what_an_audit_finds_on_disk(site: Site) -> None:
    """What changed while no worker ran is indexed by the next one, and the audit passes again."""
    site.write(VICTIM, spans(6, trace=2, service="pay"))
    (site.root / "day=2" / "c.parquet").unlink()
    assert site.call("audit").code == 1
    site.worker()
    wait_until(lambda: len(site.trace(2)) == 6, "the rewritten file")
    site.wait_files(2)
    assert site.call("audit").code == 0


def _names(done: Done, finding: str) -> None:
    assert any(line.startswith(finding) for line in done.out.splitlines()), done.out


def _victim(trace: int) -> list[Span]:
    """Attributes that differ, so that their page is read and not what statistics say of it."""
    rows = spans(5, trace=trace, service="pay", attributes='{"secret":"needle in a page"}')
    return [*rows[:-1], replace(rows[-1], attributes="{}")]


def _flip(path: Path, text: bytes) -> None:
    """Change one byte of a page in place, keeping size and time."""
    content = bytearray(path.read_bytes())
    content[content.index(text)] ^= 1
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture(autouse=True)
def _uncompressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages as they are, so that a test can find a byte of one in the file."""
    write: Callable[..., Path] = Site.write
    monkeypatch.setattr(
        Site, "write", lambda self, name, rows: write(self, name, rows, compression="none")
    )

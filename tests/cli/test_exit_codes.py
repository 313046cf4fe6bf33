"""A script can rely on the exit code, and a person on one line that says what to do next.

0 done; 1 the work found a difference or failed; 2 bad usage or settings, or somebody else's
catalog; 3 finished with quarantined files under --strict.
"""

import duckdb
import pytest

from indexer.contracts import schema_version
from tests.support.processes import Done, Site
from tests.support.span_files import spans

pytestmark = [pytest.mark.process]


@pytest.mark.parametrize("mode", ["--once", "--reindex"])
def test_a_one_shot_run_reports_in_json_lines(site: Site, mode: str) -> None:
    """The last line is the end, with what was done."""
    for number in range(5):
        site.write(f"{number}.parquet", spans(4, trace=1 + number))
    (site.root / "broken.parquet").write_bytes(b"no")
    done = site.call(mode)
    assert done.code == 0
    last = done.lines[-1]
    assert last["event"] == "finished"
    assert last["files"] == 5
    assert last["files_total"] == 6
    assert last["files_quarantined"] == 1
    assert last["spans"] == 20
    assert last["spans_per_second"] > 0
    assert all(line["event"] == "progress" for line in done.lines[:-1])


@pytest.mark.parametrize("mode", ["--once", "--reindex"])
def test_strict_ends_with_3_when_a_file_is_quarantined(site: Site, mode: str) -> None:
    """Also in a run that refuses nothing itself because the refusal is already known."""
    site.write("good.parquet", spans(2))
    assert site.call(mode, "--strict").code == 0
    (site.root / "broken.parquet").write_bytes(b"no")
    assert site.call(mode, "--strict").code == 3
    assert site.call(mode, "--strict").code == 3
    assert site.call(mode).code == 0


def test_a_missing_root_fails(site: Site) -> None:
    """A one-shot run that cannot see the storage has not done its work: exit 1."""
    site.root.rmdir()
    for mode in ("--once", "--reindex"):
        done = site.call(mode)
        assert done.code == 1
        assert str(site.root) in _line(done)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("INDEXER_POLL_INTERVALL", "30"),
        ("INDEXER_POLL_INTERVAL", "1"),
        ("INDEXER_POLL_INTERVAL", "soon"),
        ("INDEXER_MEMORY_LIMIT", "lots"),
        ("INDEXER_WATCH", "perhaps"),
        ("INDEXER_LOG_FORMAT", "xml"),
        ("INDEXER_SETTLE_SECONDS", "0"),
    ],
)
def test_a_wrong_setting_is_named_in_a_line(site: Site, variable: str, value: str) -> None:
    """Unknown or out of range: exit 2 before anything is touched."""
    site.set(**{variable: value})
    done = site.call("--once")
    assert done.code == 2
    assert variable in _line(done)
    assert not site.pointer.parent.exists()


@pytest.mark.parametrize(
    "arguments",
    [["--twice"], ["trace"], ["--once", "--reindex"], ["sql"], ["files", "--limit", "0"], ["fly"]],
    ids=str,
)
def test_wrong_usage_is_2(site: Site, arguments: list[str]) -> None:
    """With the usage, as argparse writes it."""
    done = site.call(*arguments)
    assert done.code == 2
    assert "usage: python -m indexer" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["trace", f"{1:032x}"], ["files"], ["quarantine"], ["sql", "SELECT 1"], ["audit"]],
    ids=lambda arguments: arguments[0],
)
def test_without_a_catalog_a_question_says_how_to_make_one(
    site: Site, arguments: list[str]
) -> None:
    """Exit 2, the path that was looked at, and the two ways to start."""
    done = site.call(*arguments)
    assert done.code == 2
    assert f"there is no catalog at {site.pointer}" in _line(done)
    assert "--once" in done.err


def test_a_catalog_of_a_newer_version_is_left_alone(site: Site) -> None:
    """Exit 2 naming both versions, for whoever opens it; --reindex makes one of this version."""
    site.write("a.parquet", spans(2))
    assert site.call("--once").code == 0
    with duckdb.connect(str(site.pointer.resolve())) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99, 'from the future', now())")
    for arguments in ([], ["--once"], ["status"], ["sql", "SELECT 1"]):
        done = site.call(*arguments)
        assert done.code == 2, arguments
        assert "99" in _line(done)
        assert f"this program supports {schema_version()}" in _line(done)
    assert site.call("--reindex").code == 0
    assert site.call("status").code == 0


@pytest.mark.parametrize("damage", ["garbage", "truncated", "flipped header"])
def test_a_damaged_catalog_is_refused_and_kept(site: Site, damage: str) -> None:
    """Exit 2, a hint that names --reindex, the file as it was; and --reindex then works."""
    site.write("a.parquet", spans(2))
    assert site.call("--once").code == 0
    generation = site.pointer.resolve()
    content = generation.read_bytes()
    damaged = {
        "garbage": b"this was a catalog once" * 1000,
        "truncated": content[: len(content) // 3],
        "flipped header": content[:4096] + bytes(4096) + content[8192:],
    }[damage]
    generation.write_bytes(damaged)
    trace = ["trace", f"{1:032x}"]
    for arguments in ([], ["--once"], trace, ["sql", "FROM services"], ["audit"]):
        done = site.call(*arguments)
        assert done.code == 2, (arguments, done.err)
        assert str(generation) in _line(done)
        assert "--reindex" in done.err, arguments
        assert generation.read_bytes() == damaged
    assert site.call("--reindex").code == 0
    assert len(site.call(*trace, "--json").json["spans"]) == 2


def test_a_file_of_somebody_else_at_the_catalogs_path_is_refused(site: Site) -> None:
    """What this program did not make it neither opens nor replaces."""
    site.pointer.parent.mkdir()
    with duckdb.connect(str(site.pointer)) as connection:
        connection.execute("CREATE TABLE precious AS SELECT 1 AS a")
    before = site.pointer.read_bytes()
    for arguments in ([], ["--once"], ["--reindex"], ["status"]):
        done = site.call(*arguments)
        assert done.code == 2
        assert str(site.pointer) in _line(done)
    assert site.pointer.read_bytes() == before


def test_a_database_of_somebody_else_behind_the_pointer_is_refused(site: Site) -> None:
    """A DuckDB database without our schema is not a catalog, and is not made one."""
    site.write("a.parquet", spans(2))
    assert site.call("--once").code == 0
    generation = site.pointer.resolve()
    generation.unlink()
    with duckdb.connect(str(generation)) as connection:
        connection.execute("CREATE TABLE precious AS SELECT 1 AS a")
    done = site.call()
    assert done.code == 2
    assert "not a catalog of this program" in _line(done)


def _line(done: Done) -> str:
    """The one line that says what is wrong."""
    assert "Traceback" not in done.err, done.err
    lines = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.err
    return lines[0]

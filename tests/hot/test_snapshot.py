"""A snapshot is a foreign file at an untrusted path: read when it is right, refused otherwise."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from indexer.errors import HotUnavailable
from tests.hot.servers import SnapshotServer, serving, source, span_ids, view_of
from tests.support.fake_clock import FakeClock
from tests.support.span_files import SCHEMA_14, Span, parquet_bytes, spans, table, write


def test_a_snapshot_is_read_with_what_it_has_and_as_of_a_second_ago(tmp_path: Path) -> None:
    """The service hands out a cached one."""
    path = write(tmp_path / "hot.parquet", spans(3))
    view = view_of(SnapshotServer(path, row_count=3, file_size_bytes=path.stat().st_size), tmp_path)
    assert span_ids(view) == [1, 2, 3]
    assert view.as_of_unix_nano == FakeClock().now_unix_nano() - 1_000_000_000
    assert view.bounded
    assert "links" not in view.table.column_names


def test_recent_files_come_newest_first_and_only_below_the_root(tmp_path: Path) -> None:
    root = tmp_path / "spans"
    paths = [write(root / name, spans(1)) for name in ("b.parquet", "a.parquet")]
    named = [str(path) for path in paths]
    view = view_of(SnapshotServer(recent_cold_paths=[*named, "/etc/passwd"]), root)
    assert view.recent_files == tuple(named)
    assert len(view.problems) == 1


def test_a_snapshot_may_lie_in_the_snapshot_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "hot" / "x.parquet", spans(1))
    server = SnapshotServer(path)
    assert span_ids(view_of(server, tmp_path / "spans", snapshot_root=str(tmp_path / "hot"))) == [1]
    with pytest.raises(HotUnavailable, match="outside the allowed folders"):
        view_of(server, tmp_path / "spans")


def test_ids_are_lowercase_and_rows_without_one_are_left_out(tmp_path: Path) -> None:
    rows = table([Span(span=0xABC), Span(span=2), Span(span=3, parent=1)])
    ids = [f"{0xABC:016X}", "none", f"{3:016x}"]
    rows = rows.set_column(0, SCHEMA_14.field(0), pa.array(ids))
    view = view_of(SnapshotServer(write(tmp_path / "hot.parquet", rows)), tmp_path)
    assert view.table["span_id"].to_pylist() == [f"{0xABC:016x}", f"{3:016x}"]
    assert view.table["parent_span_id"].to_pylist() == [None, f"{1:016x}"]


def outside(tmp_path: Path) -> str:
    return str(write(tmp_path / "out.parquet", spans(1)))


def above(tmp_path: Path) -> str:
    outside(tmp_path)
    return f"{tmp_path}/spans/../out.parquet"


def linked(tmp_path: Path) -> str:
    outside(tmp_path)
    (tmp_path / "spans" / "link.parquet").symlink_to(tmp_path / "out.parquet")
    return str(tmp_path / "spans" / "link.parquet")


def linked_folder(tmp_path: Path) -> str:
    write(tmp_path / "away" / "out.parquet", spans(1))
    (tmp_path / "spans" / "folder").symlink_to(tmp_path / "away")
    return str(tmp_path / "spans" / "folder" / "out.parquet")


def relative(tmp_path: Path) -> str:
    write(tmp_path / "spans" / "in.parquet", spans(1))
    return "in.parquet"


def folder(tmp_path: Path) -> str:
    (tmp_path / "spans" / "folder.parquet").mkdir()
    return str(tmp_path / "spans" / "folder.parquet")


def pipe(tmp_path: Path) -> str:
    os.mkfifo(tmp_path / "spans" / "pipe.parquet")
    return str(tmp_path / "spans" / "pipe.parquet")


def catalog(tmp_path: Path) -> str:
    """Opening and closing it would drop the lock of its owner."""
    (tmp_path / "spans" / "index.duckdb").write_bytes(parquet_bytes(spans(1)))
    return str(tmp_path / "spans" / "index.duckdb")


@pytest.mark.parametrize(
    "lie", [outside, above, linked, linked_folder, relative, folder, pipe, catalog]
)
def test_a_path_that_may_not_be_is_not_opened(
    tmp_path: Path, lie: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spans").mkdir()
    path = lie(tmp_path)
    monkeypatch.chdir(tmp_path / "spans")
    monkeypatch.setattr("pyarrow.OSFile", None)
    with pytest.raises(HotUnavailable, match="outside the allowed folders"):
        view_of(SnapshotServer(path), tmp_path / "spans")


def damaged(content: bytes) -> bytes:
    return content[:200] + bytes(byte ^ 0xFF for byte in content[200:260]) + content[260:]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        parquet_bytes(spans(500))[:-9],
        parquet_bytes(spans(500))[:700],
        damaged(parquet_bytes(spans(500))),
        parquet_bytes(pa.table({"trace_id": ["x"]})),
        parquet_bytes(table(spans(1)).drop_columns(["end_time"])),
        parquet_bytes(table(spans(1)).set_column(6, "start_time", pa.array([1]))),
    ],
    ids=["empty", "magic", "no end", "cut", "damaged", "no spans", "no end time", "no time"],
)
def test_a_file_that_is_no_snapshot_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hot.parquet"
    path.write_bytes(content)
    with pytest.raises(HotUnavailable, match="cannot be used"):
        view_of(SnapshotServer(path), tmp_path)


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        ({"rows_max": 2}, {}),
        ({"snapshot_bytes_max": 100}, {}),
        ({"buffer_bytes_max": 100}, {}),
        ({}, {"row_count": 4}),
        ({}, {"file_size_bytes": 1}),
    ],
)
def test_size_and_rows_are_checked(
    tmp_path: Path, limits: dict[str, int], fields: dict[str, int]
) -> None:
    path = write(tmp_path / "hot.parquet", spans(3))
    with pytest.raises(HotUnavailable, match="cannot be used"):
        view_of(SnapshotServer(path, **fields), tmp_path, limits=limits)


def test_a_failure_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(HotUnavailable, match="disk full"):
        view_of(SnapshotServer(success=False, error_message="disk full"), tmp_path)


class Replacing(SnapshotServer):
    """The file is gone, or another one, after the first ``times`` answers."""

    def __init__(self, path: Path, times: int, change: Callable[[Path], object]) -> None:
        super().__init__(path)
        self.path = path
        self.times = times
        self.change = change

    def PrepareHotSnapshot(self, request, context):  # noqa: N802 - gRPC names it
        write(self.path, spans(2))
        size = self.path.stat().st_size
        answer = super().PrepareHotSnapshot(request, context)
        answer.file_size_bytes = size
        if len(self.calls) <= self.times + 1:
            self.change(self.path)
        return answer

    def ReadHot(self, request, context):  # noqa: N802 - gRPC names it
        self.unknown("ReadHot", context)
        yield


CHANGES = [Path.unlink, lambda path: write(path, spans(900))]


@pytest.mark.parametrize("change", CHANGES, ids=["gone", "replaced"])
def test_a_snapshot_replaced_before_it_is_opened_is_asked_for_again(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    server = Replacing(tmp_path / "hot.parquet", 1, change)
    assert span_ids(view_of(server, tmp_path)) == [1, 2]
    assert server.calls.count("PrepareHotSnapshot") == 2


@pytest.mark.parametrize("change", CHANGES, ids=["gone", "replaced"])
def test_and_only_once(tmp_path: Path, change: Callable[[Path], object]) -> None:
    server = Replacing(tmp_path / "hot.parquet", 9, change)
    with serving(server) as port, source(port, tmp_path) as one:
        with pytest.raises(HotUnavailable, match="cannot be used: File"):
            one.now()
        assert server.calls.count("PrepareHotSnapshot") == 2

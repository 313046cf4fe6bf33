"""A command has the hot spans of one moment, column by column, however they change meanwhile."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.requests import Request

from indexer.clients.operations import held_tables, hot_spans
from indexer.clients.operations.handed_files import HandedFiles
from indexer.clients.operations.held_tables import HELD_MAX, HELD_S, HeldTables
from indexer.clients.unix_socket import LocalClient
from indexer.errors import CatalogBusy, HotUnavailable, QueriesBusy, TransientError
from indexer.hot.metadata import HotMetadata
from indexer.hot.view import DecodedRows, HotView
from indexer.query.deadline import Deadline
from indexer.query.hot_handover import SpansApart
from indexer.query.tiers.hot_spans import hot_columns
from tests.support.catalogs import indexed
from tests.support.fake_clock import FakeClock
from tests.support.served import Served, StubHost, serving
from tests.support.span_files import spans, table, write
from tests.support.tiers import Published


def test_a_table_is_held_until_it_is_given_back() -> None:
    held = HeldTables(FakeClock())
    handle = held.hold(lambda: pa.table({"a": [1], "b": [2]}))
    assert held.columns(handle, ["b", "c"]).to_pydict() == {"b": [2]}
    held.release(handle)
    with pytest.raises(HotUnavailable):
        held.columns(handle, ["b"])


def test_what_nobody_uses_any_more_goes() -> None:
    """After a while, and of too many the one that was not used for longest."""
    clock = FakeClock()
    held = HeldTables(clock)
    rows = [pa.table({"a": [n]}) for n in range(HELD_MAX)]
    first, *others = (held.hold(lambda table=table: table) for table in rows)
    held.columns(first, ["a"])
    held.hold(lambda: rows[0])
    assert held.columns(first, ["a"]).num_rows == 1
    with pytest.raises(HotUnavailable):
        held.columns(others[0], ["a"])
    clock.advance(HELD_S + 1)
    with pytest.raises(HotUnavailable):
        held.columns(first, ["a"])


def test_a_file_is_there_as_long_as_somebody_holds_it_and_made_once(tmp_path: Path) -> None:
    files, held = HandedFiles(), HeldTables(FakeClock())
    rows = HotMetadata.of(_table(3), hot_columns)
    handles = [held.hold(lambda: pa.table({})) for _ in range(2)]
    for handle in handles:
        held.keep_files(handle, [files.file(rows, tmp_path)])
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert pa.ipc.open_file(path).read_all().num_rows == 3
    held.release(handles[0])
    assert path.exists()
    held.release(handles[1])
    del rows
    gc.collect()
    assert not path.exists()


def test_a_file_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HotUnavailable, match="cannot be handed over") as refused:
        HandedFiles().file(HotMetadata.of(_table(1), hot_columns), tmp_path / "none")
    assert str(tmp_path / "none") in refused.value.advice


class CopyingHost(StubHost):
    """Its catalog is always the same one."""

    def __init__(self, copy: Path) -> None:
        super().__init__()
        copy.parent.mkdir()
        self.copy = copy
        self.current_copy: Path | None = copy

    async def snapshot(self) -> Path:
        return self.copy


Asked = tuple[Served, list[HotView], CopyingHost]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    """A worker's routes over an empty index, and what its hot tier says."""
    views = [_view(3)]
    with indexed(tmp_path) as one:
        recent = str(write(one.root / "b.parquet", spans(1, trace=2)))
        views[0] = _view(3, recent)
        host = CopyingHost(tmp_path / "copies" / "1.duckdb")
        host.answers = one.answers(hot=lambda: views[0], published=Published(spans(2, trace=3)))
        with serving(host=host, socket_folder=tmp_path) as served:
            yield served, views, host


def _table(count: int) -> pa.Table:
    return pa.table(table(spans(count)))


def _view(count: int, *recent: str) -> HotView:
    return HotView(
        rows=DecodedRows(_table(count)),
        as_of_unix_nano=7,
        recent_files=recent,
        source="incremental",
        bounded=False,
    )


@pytest.mark.duckdb
def test_a_question_has_the_hot_spans_of_the_moment_of_its_beginning(asked: Asked) -> None:
    served, views, host = asked
    client = LocalClient(served.operator.catalog)
    said, rows = client.lines("/hot-spans")
    assert (said["as_of"], said["missing"]) == (7, [])
    assert said["catalog"] == rows["lacking_in"] == str(host.copy)
    assert [one["error_type"] for one in said["missing_in_index"]] == [
        "HotNotRead",
        "FilesPending",
        "PublishedNotRead",
    ]
    assert [Path(path).name for path in said["recent_files"]] == ["b.parquet"]
    ((file, count),) = rows["parts"]
    assert (count, pa.ipc.open_file(file).read_all().num_rows) == (3, 3)
    views[0] = _view(0)
    path = f"/hot-spans/{said['hot']}"
    content = client.content(path, columns="name,no_such")
    assert pa.ipc.open_stream(content).read_all().to_pydict() == {"name": ["GET /"] * 3}
    published = client.content(f"/hot-spans/{said['published']}", columns="name,attributes")
    assert pa.ipc.open_stream(published).read_all().num_rows == 2
    client.delete(path)
    _until_gone(client, path)
    (said,) = client.lines("/hot-spans")
    assert said["hot"] is None


def _until_gone(client: LocalClient, path: str) -> None:
    """Nobody waits for a deletion, and so it may come after what is asked next."""
    for _ in range(500):
        try:
            client.content(path, columns="name")
        except TransientError:
            return
        time.sleep(0.01)
    pytest.fail("it is held all the same")


@pytest.mark.duckdb
def test_no_promise_is_made_of_a_catalog_that_may_have_changed(asked: Asked) -> None:
    served, _, host = asked
    host.current_copy = None
    _, rows = LocalClient(served.operator.catalog).lines("/hot-spans")
    assert rows["lacking_in"] is None
    assert len(rows["parts"]) == 1


@pytest.mark.duckdb
def test_an_index_that_cannot_be_asked_costs_the_promise_alone(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reopened(*_: object) -> None:
        raise CatalogBusy("the catalog is being reopened")

    served, _, host = asked
    monkeypatch.setattr(SpansApart, "are_apart", reopened)
    assert host.current_copy is not None
    _, rows = LocalClient(served.operator.catalog).lines("/hot-spans")
    assert rows["lacking_in"] is None
    assert len(rows["parts"]) == 1


@pytest.mark.duckdb
def test_hot_spans_that_cannot_be_handed_over_are_a_line_that_says_so(asked: Asked) -> None:
    served, _, host = asked
    host.copy.parent.rmdir()
    _, rows = LocalClient(served.operator.catalog).lines("/hot-spans")
    assert "cannot be handed over" in rows["problem"]


@pytest.mark.duckdb
def test_a_refusal_after_the_first_line_is_a_line_too(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as that of a pool without room: the status has been sent."""
    left = [hot_spans.ask]

    async def once(request: Request, question: Callable[[Deadline], Any]) -> Any:
        if not left:
            raise QueriesBusy("no room")
        return await left.pop()(request, question)

    monkeypatch.setattr(hot_spans, "ask", once)
    served, _, _ = asked
    _, rows = LocalClient(served.operator.catalog).lines("/hot-spans")
    assert rows == {"problem": "no room"}


@pytest.mark.duckdb
def test_what_a_killed_command_left_goes_though_no_other_comes(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, _, host = asked
    monkeypatch.setattr(hot_spans, "HELD_S", -0.4)
    monkeypatch.setattr(held_tables, "HELD_S", 0.5)
    list(LocalClient(served.operator.catalog).lines("/hot-spans"))
    for _ in range(500):
        gc.collect()
        if not list(host.copy.parent.iterdir()):
            return
        time.sleep(0.01)
    pytest.fail("its file is there all the same")


@pytest.mark.duckdb
def test_a_command_that_ends_after_the_first_line_troubles_nobody(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its statement names no view of spans."""
    began, may_end = threading.Event(), threading.Event()

    def slow(parts: Sequence[HotMetadata]) -> Sequence[HotMetadata]:
        began.set()
        may_end.wait(60)
        return parts

    monkeypatch.setattr(hot_spans, "large_parts", slow)
    served, _, _ = asked
    with closing(LocalClient(served.operator.catalog).lines("/hot-spans")) as lines:
        next(lines)
        assert began.wait(60)
    may_end.set()
    monkeypatch.undo()
    said, rows = LocalClient(served.operator.catalog).lines("/hot-spans")
    assert said["hot"] is not None
    assert len(rows["parts"]) == 1
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


@pytest.mark.duckdb
def test_nobody_but_a_command_is_given_them(asked: Asked) -> None:
    served, _, _ = asked
    assert served.request("POST", "/hot-spans").code == 403
    assert served.get(f"/hot-spans/{'0' * 32}?columns=name").code == 403

"""A command has the hot spans of one moment, column by column, however they change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from indexer.clients.operations.hot_spans import HELD_MAX, HELD_S, HeldTables
from indexer.clients.unix_socket import LocalClient
from indexer.errors import HotUnavailable, TransientError
from indexer.hot.view import DecodedRows, HotView
from tests.support.catalogs import indexed
from tests.support.fake_clock import FakeClock
from tests.support.served import Served, StubHost, serving
from tests.support.span_files import spans, table, write
from tests.support.tiers import Published


def test_a_table_is_held_until_it_is_given_back() -> None:
    held = HeldTables(FakeClock())
    handle = held.hold(pa.table({"a": [1], "b": [2]}))
    assert held.columns(handle, ["b", "c"]).to_pydict() == {"b": [2]}
    held.release(handle)
    with pytest.raises(HotUnavailable):
        held.columns(handle, ["b"])


def test_what_nobody_uses_any_more_goes() -> None:
    """After a while, and of too many the one that was not used for longest."""
    clock = FakeClock()
    held = HeldTables(clock)
    first, *others = (held.hold(pa.table({"a": [n]})) for n in range(HELD_MAX))
    held.columns(first, ["a"])
    held.hold(pa.table({"a": [9]}))
    assert held.columns(first, ["a"]).num_rows == 1
    with pytest.raises(HotUnavailable):
        held.columns(others[0], ["a"])
    clock.advance(HELD_S + 1)
    with pytest.raises(HotUnavailable):
        held.columns(first, ["a"])


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[tuple[Served, list[HotView]]]:
    """A worker's routes over an empty index, and what its hot tier says."""
    views = [_view(3)]
    with indexed(tmp_path) as one:
        recent = str(write(one.root / "b.parquet", spans(1, trace=2)))
        views[0] = _view(3, recent)
        host = StubHost()
        host.answers = one.answers(hot=lambda: views[0], published=Published(spans(2, trace=3)))
        with serving(host=host, socket_folder=tmp_path) as served:
            yield served, views


def _view(count: int, *recent: str) -> HotView:
    return HotView(
        rows=DecodedRows(pa.table(table(spans(count)))),
        as_of_unix_nano=7,
        recent_files=recent,
        source="incremental",
        bounded=False,
    )


@pytest.mark.duckdb
def test_a_question_has_the_hot_spans_of_the_moment_of_its_beginning(
    asked: tuple[Served, list[HotView]],
) -> None:
    served, views = asked
    client = LocalClient(served.operator.catalog)
    said = client.post("/hot-spans")
    assert (said["as_of"], said["missing"]) == (7, [])
    assert [one["error_type"] for one in said["missing_in_index"]] == [
        "HotNotRead",
        "FilesPending",
        "PublishedNotRead",
    ]
    assert [Path(path).name for path in said["recent_files"]] == ["b.parquet"]
    views[0] = _view(0)
    path = f"/hot-spans/{said['handle']}"
    content = client.content(path, columns="name,no_such")
    assert pa.ipc.open_stream(content).read_all().to_pydict() == {"name": ["GET /"] * 3}
    published = client.content(f"/hot-spans/{said['published']}", columns="name,attributes")
    assert pa.ipc.open_stream(published).read_all().num_rows == 2
    client.delete(path)
    with pytest.raises(TransientError):
        client.content(path, columns="name")
    assert client.post("/hot-spans")["handle"] is None


@pytest.mark.duckdb
def test_nobody_but_a_command_is_given_them(asked: tuple[Served, list[HotView]]) -> None:
    served, _ = asked
    assert served.request("POST", "/hot-spans").code == 403
    assert served.get(f"/hot-spans/{'0' * 32}?columns=name").code == 403

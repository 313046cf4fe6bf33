"""What people read is one line a row, and no name in it commands their terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from indexer.cli import render
from indexer.cli.waterfall import waterfall
from indexer.model import AuditReport, Finding
from tests.support.span_files import T0

ANY_TEXT = st.text(st.characters(exclude_categories=()))
HOSTILE = "\x1b[31mred\x1b[0m\x1b]0;title\x07 two\nlines\r\x9b\x00\t\u202eback\ud800[red]:boom:"


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


def printed(show: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, *, on: io.StringIO) -> str:
    monkeypatch.setattr("sys.stdout", on)
    show()
    return on.getvalue()


def rows_of(text: str) -> list[str]:
    """The lines, without the few colours that are this program's own."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert plain.endswith("\n")
    lines = plain[:-1].split("\n")
    for line in lines:
        assert line.splitlines() in ([], [line])
        commanding = [c for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
        assert set(commanding) <= set("\u200c\u200d"), line
    return lines


def span(number: int, name: str, **fields: Any) -> dict[str, Any]:
    return {
        "span_id": f"{number:016x}",
        "parent_span_id": f"{number - 1:016x}" if number > 1 else None,
        "name": name,
        "service_name": name,
        "span_kind": 1,
        "start_time_unix_nano": T0 + number,
        "end_time_unix_nano": T0 + number + 1_000_000,
        "duration_ns": 1_000_000,
        "status_code": 2 if number == 2 else 0,
        **fields,
    }


def trace(*names: str, missing: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "trace_id": "ab" * 16,
        "spans": [span(number, name) for number, name in enumerate(names, 1)],
        "missing": list(missing),
        "cost": {"files_read": 1, "index_ms": 1.0, "payload_ms": 1.0},
    }


@pytest.fixture(params=[io.StringIO, Terminal], ids=["pipe", "terminal"])
def sink(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return request.param


@settings(deadline=None)
@given(st.data())
def test_any_names_are_one_line_a_span(data: st.DataObject) -> None:
    names = data.draw(st.lists(ANY_TEXT, min_size=1, max_size=5))
    missing = {"error_type": "X", "detail": data.draw(ANY_TEXT), "file_path": data.draw(ANY_TEXT)}
    for stream in (io.StringIO(), Terminal()):
        with pytest.MonkeyPatch.context() as patch:
            out = printed(lambda: waterfall(trace(*names, missing=(missing,))), patch, on=stream)
        assert len(rows_of(out)) == 1 + len(names) + 1 + 1


@settings(deadline=None, max_examples=40)
@given(st.lists(st.dictionaries(ANY_TEXT, ANY_TEXT | st.lists(ANY_TEXT), min_size=1), min_size=1))
def test_any_rows_are_one_line_each(dictionaries: list[dict[str, Any]]) -> None:
    names = list(dictionaries[0])
    rows = [[row.get(name) for name in names] for row in dictionaries]
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    for stream in (io.StringIO, Terminal):
        with pytest.MonkeyPatch.context() as patch:
            out = printed(lambda: render.listing("x", listed), patch, on=stream())
            as_records = len(rows) * (1 + len(names))
            assert len(rows_of(out)) in {1 + len(rows), as_records if stream is Terminal else 0}
            out = printed(lambda: render.facts(dictionaries[0]), patch, on=stream())
            assert len(rows_of(out)) == len(names)
            out = printed(lambda: render.facts({"a": dictionaries[0]}), patch, on=stream())
            assert len(rows_of(out)) == len(names)


def test_values_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"a": 1, "limits": {"questions_of_dashboards": 2}}
    out = printed(lambda: render.facts(facts), monkeypatch, on=io.StringIO())
    assert {row.index(value) for row, value in zip(rows_of(out), "12", strict=True)} == {32}


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT)
@example("a\n", "a\\n")
@example("[red]", "")
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert (render.line_text(one) == render.line_text(other)) == (one == other)


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_any_finding_of_an_audit_is_one_line(path: str, detail: str) -> None:
    finding = Finding(invariant="I1", relative_path=path, detail=detail)
    report = AuditReport(
        mode="full", files=1, spans=1, digest="d", findings=(finding,), pending=(path,)
    )
    with pytest.MonkeyPatch.context() as patch:
        out = printed(lambda: render.audit_report(report), patch, on=io.StringIO())
    assert len(rows_of(out)) == 3


def test_the_names_of_columns_are_data_too(
    sink: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SELECT 1 AS "[red]"` is a column of that name."""
    out = printed(lambda: render.table([HOSTILE, "[b]"], [[1, 2]]), monkeypatch, on=sink())
    header, row = rows_of(out)
    assert r"\x1b[31mred\x1b[0m" in header
    assert header.endswith("  [b]")
    assert row.split() == ["1", "2"]


def test_a_value_of_any_length_is_one_line(
    sink: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a span's attributes are in `sql`: whole in a file, cut where a terminal ends."""
    text = "x y" * 100_000
    out = printed(lambda: render.table(["a", "b"], [[text, 1]]), monkeypatch, on=sink())
    row = rows_of(out)[1]
    if sink is Terminal:
        assert (cell_len(row), row.endswith("…  1")) == (80, True)
    else:
        assert row == f"{text}  1"


def test_one_long_value_does_not_make_every_row_long(
    sink: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one long name, nor a chain of spans as deep as somebody likes."""
    rows = [["x" * 1_000_000, 1], *(["short", 1] for _ in range(100))]
    out = printed(lambda: render.table(["a", "b"], rows), monkeypatch, on=sink())
    assert len(out) < 1_100_000
    names = ["x" * 1_000_000, *("short" for _ in range(1_000))]
    out = printed(lambda: waterfall(trace(*names)), monkeypatch, on=sink())
    assert len(rows_of(out)) == 1_003
    assert len(out) < 3_000_000


def test_bars_stand_below_each_other_whatever_the_names_are(
    sink: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wide characters take two columns, combining ones none, a long name as many as there are."""
    names = ("short", "日本語のスパン", "e\u0301te\u0301", HOSTILE, "long " * 40)
    out = printed(lambda: waterfall(trace(*names)), monkeypatch, on=sink())
    _, *lines, _ = rows_of(out)
    assert len({cell_len(line[: line.index("█")]) for line in lines}) == 1
    assert ("…" in out) == isinstance(sink(), Terminal)


def test_a_client_and_a_server_under_one_id_are_two_lines(
    sink: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server below its client, its work below it, and a circle of parents ends."""
    shown = trace("root", "call", "work", "circle", "back")
    _, call, work, circle, other = shown["spans"]
    served = {**call, "span_kind": 2, "name": "serve"}
    circle["parent_span_id"], call["span_kind"] = other["span_id"], 3
    shown["spans"] = [served, work, call, circle, other, shown["spans"][0]]
    _, *lines, _ = rows_of(printed(lambda: waterfall(shown), monkeypatch, on=sink()))
    names = [re.match(r" *\w+", line)[0] for line in lines]
    assert names == ["root", "  call", "    serve", "      work", "circle", "  back"]


@settings(deadline=None, max_examples=40)
@given(st.recursive(ANY_TEXT, lambda one: st.lists(one) | st.dictionaries(ANY_TEXT, one)))
def test_json_is_exact_and_harmless(value: Any) -> None:
    out = io.StringIO()
    render.write_json(value, out)
    assert json.loads(out.getvalue()) == value
    rows_of(out.getvalue())
    out.getvalue().encode()


VALUES = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(st.lists(st.lists(VALUES, min_size=2, max_size=2)))
@example([["over\rwritten", ""], ["\r\n", '"'], [",", "\n"]])
def test_csv_in_a_file_is_exact(rows: list[list[str]]) -> None:
    out = io.StringIO(newline="")
    render.write_csv(["a", "b\r"], rows, out)
    out.seek(0)
    assert list(csv.reader(out, strict=True)) == [["a", "b\r"], *rows]


def test_csv_on_a_terminal_is_for_people() -> None:
    out = Terminal()
    render.write_csv([HOSTILE], [[HOSTILE], ["plain"]], out)
    assert len(rows_of(out.getvalue())) == 3

"""Every question has the same answer from the worker as from the catalog alone.

Two catalogs of one storage: a worker owns the first, nobody owns the second. Each command is run
on both and must agree in exit code, in words and in JSON, but for what names the process or the
moment.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.processes import Done, Site, wait_until
from tests.support.span_files import T0, Span, spans

pytestmark = [pytest.mark.process]

KNOWN = f"{7:032x}"
OTHER = "0000456789abcdef0123456789abcdef"
"""It begins as the first one does, for four digits."""
OF_THE_MOMENT = {"indexed_at", "first_seen", "last_seen", "cost", "files_pending"}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    """(owned by a worker, owned by nobody) over the same files."""
    folder = tmp_path_factory.mktemp("answers")
    owned = Site(folder / "owned")
    alone = Site(folder / "alone", root=owned.root)
    owned.write("year=2026/a.parquet", spans(3, trace=7, attributes='{"user":"Zoë"}'))
    owned.write("b.parquet", [Span(trace=7, span=9, parent=2, status=2, start=T0 + 7_000_001)])
    owned.write(
        "c.parquet",
        [
            replace(span, trace=int(OTHER, 16))
            for span in spans(2, trace=8, service="pay/ment", attributes='{"error.type":"timeout"}')
        ],
    )
    (owned.root / "broken.parquet").write_bytes(b"not Parquet at all")
    try:
        assert alone.call("--once").code == 0
        owned.worker()
        wait_until(lambda: owned.status()["quarantined_files"] == 1, "the refusal")
        owned.wait_files(3)
        # Attributes are promoted after the file is answered; what is pending is of the moment.
        wait_until(lambda: owned.status()["files_to_promote"] == 0, "the attributes")
        yield owned, alone
    finally:
        owned.close()


def both(sites: tuple[Site, Site], *arguments: str) -> Done:
    """The answer without a worker, when the one with a worker is the same."""
    owned, alone = (site.call(*arguments) for site in sites)
    assert owned.code == alone.code, owned.err + alone.err
    if "--json" in arguments and alone.out:
        assert _lasting(owned.json) == _lasting(alone.json)
    assert owned.err == alone.err
    return alone


def test_a_trace(sites: tuple[Site, Site]) -> None:
    """All spans in order of start, from two files, payload parsed."""
    answer = both(sites, "trace", KNOWN, "--json")
    assert answer.code == 0
    assert answer.json["complete"]
    assert [span["span_id"][-1] for span in answer.json["spans"]] == ["1", "2", "9", "3"]
    assert answer.json["spans"][0]["attributes"] == {"user": "Zoë"}
    assert answer.json["cost"]["files_read"] == 2


def test_a_trace_by_its_id_in_capitals_and_with_spaces(sites: tuple[Site, Site]) -> None:
    """An id is pasted as some tool shows it."""
    capitals = f" {KNOWN.upper()} "
    assert len(both(sites, "trace", capitals, "--json").json["spans"]) == 4


def test_a_trace_for_people(sites: tuple[Site, Site]) -> None:
    """A waterfall: children below parents, indented; one line of sums before, costs after."""
    for site in sites:
        first, *middle, last = site.call("trace", KNOWN).out.splitlines()
        assert first.startswith(f"trace {KNOWN}  4 spans  ")
        assert "  1 error  " in first
        assert first.endswith("started 2026-11-18T11:06:40.007000000Z")
        assert [len(line) - len(line.lstrip()) for line in middle] == [0, 2, 4, 2]
        assert last.startswith("2 files read")


def test_an_unknown_trace(sites: tuple[Site, Site]) -> None:
    """No span is an answer, and exit 1."""
    answer = both(sites, "trace", "f" * 32, "--json")
    assert answer.code == 1
    assert answer.json["spans"] == []
    assert both(sites, "trace", "f" * 32).out.startswith("no span of trace ffff")


@pytest.mark.parametrize("form", [["--json"], ["--summary", "--json"], ["--format", "json"]])
def test_a_trace_by_the_first_digits_of_its_id(sites: tuple[Site, Site], form: list[str]) -> None:
    """Those of one trace are that trace, those of several are refused with all of them."""
    assert both(sites, "trace", OTHER[:8], *form).json["trace_id"] == OTHER
    assert both(sites, "trace", KNOWN[:20], *form).json["trace_id"] == KNOWN
    several = both(sites, "trace", "0000", *form)
    assert several.code == 2
    assert several.err.startswith(f"error: ambiguous trace ID '0000': it begins {KNOWN}, {OTHER}\n")
    none = both(sites, "trace", "f" * 31, *form)
    assert (none.code, none.err.count("no trace ID begins with it")) == (2, 1)


@pytest.mark.parametrize("trace_id", ["", "zz", "0" * 32, "a/b", "../status", "a?b#c%2"])
def test_what_is_no_trace_id(sites: tuple[Site, Site], trace_id: str) -> None:
    """Exit 2, the text quoted, and what one looks like."""
    answer = both(sites, "trace", trace_id)
    assert answer.code == 2
    assert answer.err.splitlines() == [
        f"error: invalid trace ID {trace_id!r}",
        "hint: Expected 32 hex digits, the first 4 or more, up to 16 of a 64-bit ID, a UUID or a traceparent; not all zero.",
    ]


@pytest.mark.parametrize("limit", [[], ["--limit", "2"], ["--limit", "20000"]], ids=str)
def test_the_files(sites: tuple[Site, Site], limit: list[str]) -> None:
    """Newest first, as many as asked for, more being no error."""
    answer = both(sites, "files", "--json", *limit)
    assert answer.code == 0
    names = [row["file_path"].removeprefix(f"{sites[0].root}/") for row in answer.json]
    assert names == ["c.parquet", "b.parquet", "year=2026/a.parquet"][: len(names)]
    assert len(names) == (2 if "2" in limit else 3)


def test_the_files_for_people_name_them_whole(sites: tuple[Site, Site]) -> None:
    """A path that is cut off cannot be used, so no column is, where the output is not a terminal."""
    for site in sites:
        out = site.call("files").out
        assert f"{site.root}/year=2026/a.parquet" in out
        assert "…" not in out


def test_the_quarantine(sites: tuple[Site, Site]) -> None:
    """Which file, why, and what to do."""
    (row,) = both(sites, "quarantine", "--json").json
    assert row["file_path"] == f"{sites[0].root}/broken.parquet"
    assert row["error_type"] == "FooterUnreadable"
    assert row["tries"] == 1
    assert "Write the file again" in row["hint"]
    for site in sites:
        assert "FooterUnreadable" in site.call("quarantine").out


def test_the_status(sites: tuple[Site, Site]) -> None:
    """What the index holds is the same; the worker adds how it is itself."""
    owned, alone = (site.call("status", "--json").json for site in sites)
    shared = owned.keys() & alone.keys() - OF_THE_MOMENT - {"state", "catalog"}
    assert {key: owned[key] for key in shared} == {key: alone[key] for key in shared}
    assert alone["files"] == 3
    assert alone["spans"] == 6
    assert alone["services"] == 2
    assert alone["quarantined_files"] == 1
    assert alone["state"] == "no worker is running"
    assert owned["state"] == "running"
    assert owned["watching"] is True
    assert alone.keys() <= owned.keys()


def test_the_status_as_a_health_check(sites: tuple[Site, Site]) -> None:
    """`status --check` is for orchestrators: 0 with a healthy worker, 1 without one."""
    owned, alone = sites
    assert owned.call("status", "--check").code == 0
    assert alone.call("status", "--check").code == 1
    assert alone.call("status").code == 0


def test_a_search(sites: tuple[Site, Site]) -> None:
    """The same spans and words with a worker and without, whole; exit 1 where there are none."""
    words = ("--service", "pay/ment", "--kind", "server", "--min-duration", "0ns")
    answer = both(sites, "search", *words, "--json")
    assert answer.code == 0
    assert {span["service_name"] for span in answer.json["spans"]} == {"pay/ment"}
    assert "resource_attributes" in answer.json["spans"][0]
    assert both(sites, "search", *words, "--limit", "1").out.count("\n") == 2
    assert both(sites, "search", "--name", "nobody's").code == 1
    attributes = ("--attr", "no.such.key", "--text", "nobody's")
    assert both(sites, "search", *attributes).code == 1
    refused = both(sites, "search", "--min-duration", "soon")
    assert refused.code == 2
    assert "--min-duration 'soon': expected a length such as 20ms" in refused.err


def test_sql(sites: tuple[Site, Site]) -> None:
    """The same rows from a snapshot and from the catalog."""
    query = "SELECT trace_id, span_id, attributes FROM otel_spans ORDER BY ALL"
    answer = both(sites, "sql", query, "--json")
    assert answer.code == 0
    assert answer.json.keys() == {"rows", "as_of", "complete", "missing"}
    assert len(answer.json["rows"]) == 6
    assert answer.json["complete"]


@pytest.mark.parametrize("mode", [[], ["--fast"]], ids=["full", "fast"])
def test_the_audit(sites: tuple[Site, Site], mode: list[str]) -> None:
    """Two catalogs of the same files have one digest."""
    owned, alone = (site.call("audit", "--json", *mode) for site in sites)
    assert owned.code == alone.code == 0
    assert owned.json == alone.json
    assert alone.json["passed"] is True
    assert alone.json["spans"] == 6


def _lasting(value: Any) -> Any:
    """The value without what is of the moment."""
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if key not in OF_THE_MOMENT}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value


def test_spans_with_an_attribute(sites: tuple[Site, Site]) -> None:
    """By key, by value, by service; none is a list without rows."""
    assert both(sites, "spans", "error.type=never").out == "no spans\n"
    answer = both(sites, "spans", "error.type=timeout", "--service", "pay/ment", "--json")
    assert [span["value"] for span in answer.json["spans"]] == ["timeout", "timeout"]
    assert answer.json["complete"]


def test_an_attribute_that_is_not_promoted(sites: tuple[Site, Site]) -> None:
    """Refused, with the setting that would change it."""
    done = both(sites, "spans", "user")
    assert done.code == 2
    assert "INDEXER_PROMOTED_ATTRIBUTES" in done.err


@pytest.mark.parametrize("form", ["otlp", "jaeger", "markdown"])
def test_a_trace_in_another_form(sites: tuple[Site, Site], form: str) -> None:
    """The same bytes from the worker, and exit code 1 where no span is known."""
    answer = both(sites, "trace", KNOWN, "--format", form)
    assert (answer.code, "Zoë" in answer.out or "Zo\\u00eb" in answer.out) == (0, True)
    assert both(sites, "trace", "f" * 32, "--format", form).code == 1


def test_a_summary_of_a_trace(sites: tuple[Site, Site]) -> None:
    """In words and as JSON."""
    answer = both(sites, "trace", KNOWN, "--summary", "--json")
    assert (answer.code, answer.json["span_count"], answer.json["error_count"]) == (0, 4, 1)
    shown = both(sites, "trace", KNOWN, "--summary").out
    assert "critical_path" in shown
    assert "_nano" not in shown, "times are written as people read them"
    assert both(sites, "trace", "f" * 32, "--summary").code == 1

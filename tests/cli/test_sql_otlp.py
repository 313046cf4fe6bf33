"""``sql`` reads OTLP files below the storage root, and no others."""

import json

import pytest

from tests.support.otlp_samples import FOLDER
from tests.support.processes import Site
from tests.support.span_files import Span

pytestmark = [pytest.mark.duckdb, pytest.mark.process]


def test_otlp_files_below_the_storage_root_are_read_and_no_others(site: Site) -> None:
    site.write("spans.parquet", [Span(trace=1)])
    assert site.call("--once").code == 0
    (site.root / "traces.jsonl").write_bytes((FOLDER / "traces_simple.jsonl").read_bytes())
    query = "SELECT name, start_time_unix_nano FROM read_otlp_traces('{}') LIMIT 1"
    done = site.call("sql", query.format("traces.jsonl"), "--json")
    assert json.loads(done.out)["rows"] == [
        {"name": "GET /users", "start_time_unix_nano": "2021-12-20T11:33:20.000000001"}
    ]
    done = site.call("sql", query.format(FOLDER / "traces_simple.jsonl"))
    assert done.code == 2
    assert "is not below" in done.err
    assert "At:" not in done.err

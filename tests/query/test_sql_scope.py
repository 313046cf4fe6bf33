"""Views of spans cover the files that have spans in the window, to the nanosecond."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.query.sql_scope import Window
from tests.support.catalogs import indexed
from tests.support.examples import examples
from tests.support.span_files import T0, Span, write
from tests.support.sql_spans import asked

pytestmark = pytest.mark.duckdb

PLACES = [*range(-2, 3), *range(998, 1_003), *range(1_998, 2_003)]
"""In nanoseconds: about the ends of microseconds."""
FILES = [[(first, last)] for first in PLACES for last in PLACES if first <= last] + [
    [(998, 999), (1_001, 1_999)],
    [(-2, 2_002), (1_000, 1_000)],
]
"""Of each file the start and the end of its spans, after the same second."""
BOUNDS = st.none() | st.integers(-4, 2_004)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scope")
    with indexed(folder) as one:
        for number, times in enumerate(FILES):
            rows = [
                Span(trace=1_000 * number + n, start=T0 + start, duration=end - start)
                for n, (start, end) in enumerate(times, 1)
            ]
            write(one.root / f"{number}.parquet", rows)
        one.settle()
    return folder / "catalog.duckdb"


@examples(30)
@given(since=BOUNDS, until=BOUNDS)
def test_files_are_chosen_as_their_spans_say(
    catalog: Path, since: int | None, until: int | None
) -> None:
    window = Window(
        since_unix_nano=None if since is None else T0 + since,
        until_unix_nano=None if until is None else T0 + until,
    )
    expected = set()
    for number, times in enumerate(FILES):
        first, last = min(start for start, _ in times), max(end for _, end in times)
        is_within = (since is None or last >= since) and (until is None or first < until)
        assert window.covers(T0 + first, T0 + last) == is_within
        expected |= {number} if is_within else set()
    sql = "SELECT DISTINCT file_path AS path FROM otel_spans"
    rows, coverage = asked(catalog, sql, window=window)
    assert {int(Path(row["path"]).stem) for row in rows} == expected
    assert coverage is not None
    assert (coverage.files, coverage.matching) == (len(expected), len(expected))

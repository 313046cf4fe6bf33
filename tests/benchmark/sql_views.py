"""SQL over the views of spans, beside the same question over DuckDB's own reader of the same files.

The files were looked at, as a worker does when it is idle; one line says how quick that is, one
how quick SQL is before it, and one how quick a short question is whose session has its views.
"""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb

from indexer.index.oneshot import until_settled
from indexer.query.sql import create_views, open_session, select
from indexer.query.sql_scope import Window
from indexer.run.sql_views import DIALECT_VIEWS
from tests.benchmark.corpus import Corpus, corpus
from tests.benchmark.ctas import text_list
from tests.benchmark.plan import OUTPUT, Plan, scratch
from tests.benchmark.report import Line, median
from tests.benchmark.synthetic import opened

THREADS = 2
MEMORY = "2GiB"
SLOWER_AT_MOST = 1.2
PAYLOAD = {
    "length of attributes": "SELECT sum(length(attributes)) FROM {spans}",
    "an attribute by service": "SELECT service_name, count(attributes ->> '$.\"http.route\"'),"
    " count(*) FROM {spans} GROUP BY ALL",
    "attributes that have a text": "SELECT count(*) FROM {spans} WHERE attributes LIKE '%retry%'",
    "events that are not empty": "SELECT count(*) FROM {spans} WHERE events <> '[]'",
}
LONG, SHORT = "length of attributes", "events that are not empty"
"""Questions of the slowest and of the quickest column."""
INDEX = {
    "count(*) of otel_spans": ("SELECT count(*) FROM otel_spans", 50.0),
    "spans by service": ("SELECT service_name, count(*) FROM otel_spans GROUP BY ALL", 100.0),
    "count(*) of state_patches": ("SELECT count(*) FROM state_patches", 500.0),
}
"""The question, and its milliseconds at most for a million spans on two cores."""


def measure(plan: Plan) -> list[Line]:
    """Every question in turns with its counterpart."""
    made = corpus(OUTPUT / "corpora", plan.sql)
    made.warm()
    with scratch("sql") as folder:
        catalog, unseen_s, looking_s = _indexed(made, folder)
        ours = {name: sql.format(spans="otel_spans") for name, sql in PAYLOAD.items()}
        files = f"read_parquet({text_list(made.paths)})"
        theirs = {name: sql.format(spans=files) for name, sql in PAYLOAD.items()}
        lines = [
            _compared(
                name,
                [(_ours(catalog, ours[name]), _theirs(theirs[name])) for _ in range(plan.rounds)],
                made,
            )
            for name in PAYLOAD
        ]
        for name, (sql, most_ms) in INDEX.items():
            ms = [1000 * _ours(catalog, sql) for _ in range(plan.rounds)]
            lines.append(Line(name=f"SQL, {name}", measured=median(ms), unit="ms", at_most=most_ms))
        lines.append(_with_views(catalog, theirs[SHORT], plan, made))
    for name, seconds in (("files looked at", looking_s), (f"{LONG}, not looked at", unseen_s)):
        rate = made.shape.total / seconds
        lines.append(Line(name=f"SQL, {name}", measured=rate, unit="spans/s"))
    return lines


def _indexed(made: Corpus, folder: Path) -> tuple[Path, float, float]:
    """The catalog, and the seconds that SQL took before its files were looked at, and that took."""
    path = folder / "index.duckdb"
    with opened(made.root, path) as (database, pipeline):
        until_settled(pipeline, lambda: False)
        catalog = Path(database.path)
    unseen_s = _ours(catalog, PAYLOAD[LONG].format(spans="otel_spans"))
    with opened(made.root, path) as (_, pipeline):
        began = time.perf_counter()
        pipeline.scan_checks.finish()
        return catalog, unseen_s, time.perf_counter() - began


def _with_views(catalog: Path, theirs: str, plan: Plan, made: Corpus) -> Line:
    """The short question in one session, whose views were made for a question before it."""
    ours = PAYLOAD[SHORT].format(spans="otel_spans")
    with closing(open_session(catalog, memory_limit=MEMORY, threads=THREADS)) as session:
        create_views(session, Window(), DIALECT_VIEWS)
        session.sql(ours).to_arrow_table()
        turns = [
            (_seconds(lambda: session.sql(ours).to_arrow_table()), _theirs(theirs))
            for _ in range(plan.rounds)
        ]
    return _compared(f"{SHORT}, views made before", turns, made)


def _ours(catalog: Path, sql: str) -> float:
    session = open_session(catalog, memory_limit=MEMORY, threads=THREADS)
    try:
        return _seconds(lambda: select(session, sql, Window(), DIALECT_VIEWS))
    finally:
        session.close()


def _theirs(sql: str) -> float:
    with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as connection:
        return _seconds(lambda: connection.sql(sql).to_arrow_table())


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _compared(name: str, turns: list[tuple[float, float]], made: Corpus) -> Line:
    ours, theirs = (median([turn[side] for turn in turns]) for side in (0, 1))
    return Line(
        name=f"SQL, {name}",
        measured=made.shape.total / ours,
        unit="spans/s",
        compared=made.shape.total / theirs,
        compared_with="read_parquet",
        ratio=theirs / ours,
        at_least=round(1 / SLOWER_AT_MOST, 3),
        details={"ours_s": [one for one, _ in turns], "theirs_s": [one for _, one in turns]},
    )

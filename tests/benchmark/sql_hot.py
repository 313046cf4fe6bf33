"""SQL over the views of spans with what is hot, beside the same question without it.

Ten thousand spans a second come in meanwhile, and the files hold what SQL is asked over. Both sides
have the worker's copy of the catalog made; the one with hot spans has them handed over as well.
"""

import time
from contextlib import closing
from pathlib import Path

from indexer.cli.source import BesideIndex, Source
from indexer.query.sql import open_session, select
from indexer.query.sql_scope import Unindexed, Window
from indexer.run.sql_views import DIALECT_VIEWS
from indexer.settings import Settings
from tests.benchmark.corpus import write_files
from tests.benchmark.embedded import Embedded, embedded
from tests.benchmark.load import sending
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.report import Line, median

RATE = 10_000
SLOWER_AT_MOST = 1.5
MEMORY, THREADS = "2GiB", 2
QUESTIONS = {
    "count(*)": "SELECT count(*) FROM otel_spans",
    "spans by service": "SELECT service_name, count(*) FROM otel_spans GROUP BY ALL",
    "attributes that have a text": "SELECT count(*) FROM otel_spans"
    " WHERE attributes LIKE '%route%'",
}
LONG = {"attributes that have a text"}
BRIEF_ROUNDS = 9
"""Of a question of 30 ms, beside senders: the median of three scattered by a third, and the first
one has the worker load what it answers with."""


def measure(plan: Plan) -> list[Line]:
    """Every question in turns with its counterpart, while spans come in."""
    with scratch("sql-hot") as folder, embedded(folder) as running:
        day = folder / "spans" / "corpus"
        write_files(plan.sql, [day / f"{number:06d}.parquet" for number in range(plan.sql.files)])
        running.held(plan.sql.total)
        with sending(running, seconds=plan.load_s, seed=12, rate=RATE):
            time.sleep(plan.load_s / 3)
            return [_line(name, sql, running, plan) for name, sql in QUESTIONS.items()]


def _line(name: str, sql: str, running: Embedded, plan: Plan) -> Line:
    rounds = plan.rounds if name in LONG else BRIEF_ROUNDS
    turns = [(_seconds(running, sql, hot=True), _seconds(running, sql)) for _ in range(rounds)]
    ours, theirs = (1e3 * median([turn[side] for turn in turns]) for side in (0, 1))
    return Line(
        name=f"SQL with hot spans, {name}",
        measured=ours,
        unit="ms",
        compared=theirs,
        compared_with="without them",
        ratio=theirs / ours,
        at_least=round(1 / SLOWER_AT_MOST, 3),
        details={"hot_spans": running.status()["hot"]["spans"]},
    )


def _seconds(running: Embedded, sql: str, *, hot: bool = False) -> float:
    source = Source(Settings(catalog_path=running.catalog))
    began_s = time.perf_counter()
    if hot:
        with source.beside_index() as beside:
            _ask(source.still_catalog(), sql, beside)
    else:
        _ask(source.still_catalog(), sql, BesideIndex())
    return time.perf_counter() - began_s


def _ask(catalog: Path, sql: str, beside: BesideIndex) -> None:
    unindexed = Unindexed(recent_paths=beside.recent_files, hot=beside.hot)
    with closing(open_session(catalog, memory_limit=MEMORY, threads=THREADS)) as session:
        select(session, sql, Window(), DIALECT_VIEWS, unindexed)

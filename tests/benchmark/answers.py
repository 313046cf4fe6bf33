"""Questions to the index, against DuckDB scanning all files for the same answer.

Both sides answer every question, and must answer the same: a wrong answer is not a fast one.
Everything is warm. The index returns parsed JSON, the scan returns rows as they lie.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import duckdb

from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.find.span_query import SpanQuery
from indexer.query.span import Span
from tests.benchmark.corpus import Corpus
from tests.benchmark.ctas import text_list
from tests.benchmark.layout import SERVICE_NAMES, Shape, trace_ids
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.processes import index_once
from tests.benchmark.report import Line, median, percentile
from tests.benchmark.synthetic import opened

TRACE_AT_LEAST = (3.0, 10.0)
"""Times as fast as the scan: few large files, many small ones."""
ROOTS_AT_LEAST = 20.0
ROOTS = 100

_TRACE = "SELECT * FROM read_parquet({files}) WHERE trace_id = ?"
_ROOTS = f"""
SELECT trace_id, span_id, name, start_time FROM read_parquet({{files}})
WHERE service_name = ? AND parent_span_id IS NULL ORDER BY start_time DESC LIMIT {ROOTS}
"""


def measure(plan: Plan) -> list[Line]:
    """A trace by id with its payload, and the latest roots of a service, on both corpora."""
    lines = []
    for corpus, at_least in zip(plan.corpora(), TRACE_AT_LEAST, strict=True):
        with scratch("answers") as folder:
            index_once(corpus, folder / "index.duckdb")
            with opened(corpus.root, folder / "index.duckdb") as (catalog, pipeline):
                answers = Answers(
                    moments=CatalogMoments(cursor=catalog.cursor, storage=pipeline.storage),
                    directory=lambda: pipeline.register.directory,
                )
                lines += _ask(corpus, answers, plan.answers, at_least)
    return lines


def _ask(corpus: Corpus, answers: Answers, count: int, trace_at_least: float) -> list[Line]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET TimeZone = 'UTC'")
        scan = _Scan(connection, corpus)
        traces = _Turns(answers.trace, scan.trace, _same_trace)
        traces.ask(_spread(corpus.shape, count))
        roots = _Turns(lambda name: _latest_roots(answers, name), scan.roots, _same_roots)
        roots.ask([SERVICE_NAMES[number % len(SERVICE_NAMES)] for number in range(count)])
    of = f"of {corpus.shape.files:,} files"
    return [
        traces.line(f"one trace with payload {of}", trace_at_least, _costs(traces.answered)),
        roots.line(f"latest {ROOTS} roots of a service {of}", ROOTS_AT_LEAST, {}),
    ]


class _Scan:
    """The same questions to the files alone."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, corpus: Corpus) -> None:
        self._connection = connection
        self._files = text_list(corpus.paths)

    def trace(self, trace_id: str) -> list[Any]:
        """All columns of one trace's spans."""
        return self._run(_TRACE, trace_id)

    def roots(self, service: str) -> list[Any]:
        """(trace id, span id, name, start) of the latest roots."""
        return self._run(_ROOTS, service)

    def _run(self, query: str, value: str) -> list[Any]:
        return self._connection.execute(query.format(files=self._files), [value]).fetchall()


class _Turns:
    """The same questions to both sides, each side in one go.

    Turn by turn each would work on caches that the other has just emptied: no dashboard asks a
    scan of everything between two questions to the index.
    """

    def __init__(
        self,
        index: Callable[[str], Any],
        scan: Callable[[str], Any],
        same: Callable[[Any, Any], bool],
    ) -> None:
        self._index, self._scan, self._same = index, scan, same
        self._ours: list[float] = []
        self._theirs: list[float] = []
        self.answered: list[Any] = []

    def ask(self, questions: list[str]) -> None:
        """Each question to both; the first one twice, so that both are warm."""
        self.answered = self._all(self._index, questions, self._ours)
        scanned = self._all(self._scan, questions, self._theirs)
        for question, answer, rows in zip(questions, self.answered, scanned, strict=True):
            assert self._same(answer, rows), f"the answers about {question} differ"

    def _all(
        self, ask: Callable[[str], Any], questions: list[str], times_ms: list[float]
    ) -> list[Any]:
        ask(questions[0])
        answers = []
        for question in questions:
            seconds, answer = _timed(ask, question)
            times_ms.append(seconds * 1e3)
            answers.append(answer)
        return answers

    def line(self, name: str, at_least: float, details: dict[str, Any]) -> Line:
        """How many times as fast the index answers."""
        ours, theirs = median(self._ours), median(self._theirs)
        return Line(
            name=name,
            measured=ours,
            unit="ms",
            compared=theirs,
            compared_with="read_parquet of all:",
            ratio=theirs / ours,
            at_least=at_least,
            details={
                "questions": len(self._ours),
                "p90_ms": round(percentile(self._ours, 90), 3),
                "compared_p90_ms": round(percentile(self._theirs, 90), 3),
                **details,
            },
        )


def _spread(shape: Shape, count: int) -> list[str]:
    """Traces of files from one end to the other; every fourth one straddles."""
    chosen = []
    for number in range(count):
        own = trace_ids(shape, number * (shape.files - 1) // count)
        chosen.append(own[-1] if number % 4 == 3 else own[len(own) // 2])
    return chosen


def _timed(ask: Callable[[str], Any], question: str) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = ask(question)
    return time.perf_counter() - started, answer


def _same_trace(answer: SpansAnswer, scanned: list[Any]) -> bool:
    ours = {span.span_id for span in answer.spans}
    with_payload = all(span.payload and span.payload.attributes for span in answer.spans)
    is_complete = answer.completeness.is_complete
    return is_complete and with_payload and ours == {row[0] for row in scanned}


def _latest_roots(answers: Answers, service: str) -> Sequence[Span]:
    query = SpanQuery(service=service, roots=True, limit=ROOTS)
    return answers.spans(query, payload=False).spans


def _same_roots(answer: Sequence[Span], scanned: list[Any]) -> bool:
    return [root.span_id for root in answer] == [row[1] for row in scanned]


def _costs(answers: list[SpansAnswer]) -> dict[str, Any]:
    """What the answers say of themselves."""
    costs = [answer.cost for answer in answers]
    return {
        "files_read_mean": sum(cost.files_read for cost in costs) / len(costs),
        "index_ms": median([cost.index_ms for cost in costs]),
        "payload_ms": median([cost.payload_ms for cost in costs]),
    }

"""The first page of a search, beside DuckDB's own time for the same question, in processor seconds.

Of what the index knows it is compared with SQL over the catalog's tables that gives the same rows
in the same order: as a worker answers while no file comes, each time another list, so that no page
of it is known. What the first question of all takes, when nothing is known, stands beside it. Of an attribute that was never asked for it is compared with a scan of the same files; and
asked again, where one file in fifty has the attribute, with itself: by a process that was started
since, and knows what the catalog keeps.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.catalog.files import FileRegister
from indexer.index.oneshot import until_settled
from indexer.index.pipeline import Pipeline
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.find.absences import Absences
from indexer.query.find.index_row import COLUMNS
from indexer.query.find.payload_conditions import AttributeCondition, Operator
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.find.span_query import SpanQuery
from indexer.query.limits import AnswerLimits
from indexer.query.tiers.index_state import IndexMemory
from indexer.read.scan_check import check_file
from indexer.spans.key_summary import FileKeySummary
from indexer.system.storage import LocalStorage
from tests.benchmark.corpus import Corpus, corpus
from tests.benchmark.ctas import text_list
from tests.benchmark.plan import OUTPUT, Plan, scratch
from tests.benchmark.report import Line, median
from tests.benchmark.synthetic import opened

PAGE = 100
INDEX_SHARE_AT_MOST = 0.3
SCAN_SHARE_AT_MOST = 1.1
AGAIN_FASTER_AT_LEAST = 10
ONE_IN = 50
"""One file in so many has the rare attribute."""
RARE = "bench.rare"
LOOKED_AT = 20
"""Files of which it is known what promoted attributes tell: the newest, half a second each."""
UNLIMITED = AnswerLimits(search_files=1_000_000, search_bytes=1 << 50, search_s=3_600)
"""What is measured is a whole question, and not how much of it one page does."""

_PROMOTED = "junjo.span_type"
_PROMOTED_ROWS = f"""(file_id, file_row_number, position_in_row) IN (
    SELECT (file_id, file_row_number, position_in_row)
    FROM indexed_attributes JOIN promoted_attributes USING (key_id)
    WHERE key = '{_PROMOTED}' AND value = 'workflow')"""


def _of_index() -> list[tuple[str, SpanQuery, str]]:
    """Questions that the index answers, and the same in SQL over its tables."""
    conditions = (
        ("name", SpanConditions(name_prefix="GET"), "starts_with(name, 'GET')"),
        ("status", SpanConditions(status_code=2), "status_code = 2"),
        ("duration", SpanConditions(min_duration_ns=50_000_000), "duration_ns >= 50000000"),
    )
    promoted = AttributeCondition(key=_PROMOTED, operator="=", value="workflow")
    return [
        *((name, SpanQuery(conditions=asked, limit=PAGE), sql) for name, asked, sql in conditions),
        ("promoted attribute", SpanQuery(where=promoted, limit=PAGE), _PROMOTED_ROWS),
    ]


def _of_files() -> list[tuple[str, AttributeCondition, str]]:
    """Questions that only the files answer, about no span of any, and the same in SQL over them."""
    number = "TRY_CAST(attributes ->> '/{}' AS DOUBLE) >= {}"
    text = "(attributes ->> '/{}') = '{}'"
    asked: tuple[tuple[str, str, Operator, str | int, str], ...] = (
        ("a number that none has", "http.response.status_code", ">=", 599, number),
        ("a number that all have", "client.port", ">=", 50_000, number),
        ("a text that one in forty has", "junjo.id", "=", "/nowhere", text),
        ("a text that all have", "cache.key", "=", "/nowhere", text),
    )
    return [
        (name, AttributeCondition(key=key, operator=operator, value=value), sql.format(key, value))
        for name, key, operator, value, sql in asked
    ]


def measure(plan: Plan) -> list[Line]:
    """Every question in turns with its counterpart."""
    made = corpus(OUTPUT / "corpora", plan.large)
    made.warm()
    with scratch("search") as folder:
        root = folder / "spans"
        _with_rare_attribute(made, root)
        with opened(root, folder / "index.duckdb") as (database, pipeline):
            until_settled(pipeline, lambda: False)
            _look_at_newest(pipeline)

            def answers(absences: Absences | None = None) -> Answers:
                """Of somebody who has learnt nothing but what the catalog keeps."""
                return Answers(
                    moments=CatalogMoments(cursor=database.cursor, storage=LocalStorage(str(root))),
                    limits=UNLIMITED,
                    absences=Absences() if absences is None else absences,
                )

            def in_state(memory: IndexMemory, query: SpanQuery) -> object:
                return replace(answers(), memory=memory).spans(query, payload=False)

            def beside(where: str, limit: int) -> object:
                sql = _FIRST_OF_INDEX.format(where=where, limit=limit)
                return database.cursor().execute(sql).fetchall()

            lines = []
            for name, query, where in _of_index():
                first = [
                    _seconds(partial(in_state, IndexMemory(lambda: database.commits), query))
                    for _ in range(plan.answers)
                ]
                memory = IndexMemory(lambda: database.commits)
                limits = range(PAGE, PAGE + plan.answers)
                line = _compared(
                    name,
                    [partial(in_state, memory, replace(query, limit=limit)) for limit in limits],
                    [partial(beside, where, limit) for limit in limits],
                    INDEX_SHARE_AT_MOST,
                )
                lines.append(replace(line, details={**line.details, "first_s": first}))
            lines += [
                _compared(
                    name,
                    [_page(answers, SpanQuery(where=asked, limit=PAGE))] * plan.searches,
                    [_scan(root, where)] * plan.searches,
                    SCAN_SHARE_AT_MOST,
                )
                for name, asked, where in _of_files()
            ]
            return [*lines, _asked_again(answers, pipeline.register)]


_FIRST_OF_INDEX = f"""
SELECT relative_path, {COLUMNS}
FROM indexed_spans JOIN (SELECT file_id, relative_path FROM parquet_files) USING (file_id)
WHERE {{where}} ORDER BY start_time_unix_nano DESC, trace_id, span_id_uint64, span_kind LIMIT {{limit}}
"""


def _look_at_newest(pipeline: Pipeline) -> None:
    """As an idle worker does, of as many files as a first page is looked for in at most."""
    register = pipeline.register
    newest = sorted(register.files.values(), key=lambda one: -one.modified_unix_nano)[:LOOKED_AT]
    infos = {
        one.file_id: one.info_at(pipeline.storage.absolute(one.relative_path)) for one in newest
    }
    register.record_scans(
        {file_id: check_file(pipeline.storage, info) for file_id, info in infos.items()}
    )


def _with_rare_attribute(made: Corpus, root: Path) -> None:
    """The files of the corpus, one in fifty with an attribute that no other has."""
    for number, source in enumerate(made.paths):
        target = root / Path(source).relative_to(made.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if number % ONE_IN:
            os.link(source, target)
            continue
        table = pq.read_table(source)
        texts = table["attributes"].to_pylist()
        texts[0] = texts[0].replace("{", f'{{"{RARE}":1,', 1)
        place = table.column_names.index("attributes")
        field = table.schema.field("attributes")
        pq.write_table(
            table.set_column(place, field, pa.array(texts, field.type)),
            target,
            write_page_checksum=True,
            compression="zstd",
        )


def _page(answers: Callable[[], Answers], query: SpanQuery) -> Callable[[], object]:
    return lambda: answers().spans(query, payload=False)


def _scan(root: Path, where: str) -> Callable[[], object]:
    paths = sorted(str(path) for path in root.rglob("*.parquet"))
    sql = (
        f"SELECT trace_id FROM read_parquet({text_list(paths)}) WHERE {where} "
        f"ORDER BY start_time DESC, trace_id LIMIT {PAGE}"
    )
    return lambda: duckdb.sql(sql).fetchall()


def _asked_again(answers: Callable[[Absences], Answers], register: FileRegister) -> Line:
    query = SpanQuery(where=AttributeCondition(key=RARE), limit=PAGE)
    learnt: list[FileKeySummary] = []
    first = _seconds(_page(lambda: answers(Absences(keep=learnt.append)), query))
    register.record_key_summaries(learnt, 64 << 20)
    again = median([_seconds(_page(lambda: answers(Absences()), query)) for _ in range(3)])
    return Line(
        name=f"search, an attribute of one file in {ONE_IN}, again",
        measured=1 / again,
        unit="pages/s",
        compared=1 / first,
        compared_with="the first time",
        ratio=first / again,
        at_least=AGAIN_FASTER_AT_LEAST,
        details={
            "first_s": first,
            "again_s": again,
            "kept_bytes": sum(one.size_bytes for one in learnt),
        },
    )


def _compared(
    name: str,
    ours: Sequence[Callable[[], object]],
    theirs: Sequence[Callable[[], object]],
    share_at_most: float,
) -> Line:
    """Of each the questions of all turns."""
    turns = [(_seconds(mine), _seconds(other)) for mine, other in zip(ours, theirs, strict=True)]
    mine, other = (median([turn[side] for turn in turns]) for side in (0, 1))
    return Line(
        name=f"search, first page by {name}",
        measured=1 / mine,
        unit="pages/s",
        compared=1 / other,
        compared_with="DuckDB",
        ratio=other / mine,
        at_least=round(1 / share_at_most, 3),
        details={"ours_s": [one for one, _ in turns], "theirs_s": [one for _, one in turns]},
    )


def _seconds(work: Callable[[], object]) -> float:
    """Of the whole process: DuckDB works on several threads."""
    began = time.process_time()
    work()
    return time.process_time() - began

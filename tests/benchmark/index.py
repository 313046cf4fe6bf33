"""Indexing all there is, against DuckDB's own copy of the same columns.

The index does more than the copy (it proves pages, settles who owns a span, keeps traces and
services), so a ratio of 1 would mean that all of that is free. Many small files are where a scan
pays for each file anew, and where real storages are.
"""

from tests.benchmark.corpus import Corpus
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.processes import Finished, ProcessFailed, index_once, run
from tests.benchmark.report import Line, median

RATE_AT_LEAST = 0.75
"""Of DuckDB's rate in spans, for large files."""
SMALL_FILES_AT_LEAST = 2.0
"""Of DuckDB's rate in files, for small files."""


def measure(plan: Plan) -> list[Line]:
    """Both corpora: whole processes, which counts, and the same without start-up."""
    large, little = plan.corpora()
    return [
        *_compare(large, plan.rounds, large.shape.total, "spans/s", RATE_AT_LEAST),
        *_compare(little, plan.rounds, little.shape.files, "files/s", SMALL_FILES_AT_LEAST),
        _promoted(large, plan.rounds, large.shape.total, "spans/s"),
        _promoted(little, plan.rounds, little.shape.files, "files/s"),
    ]


def _promoted(corpus: Corpus, rounds: int, amount: int, unit: str) -> Line:
    """The second pass's price: both passes beside the first alone, whole processes."""
    both, first = [], []
    for _ in range(rounds):
        with scratch("index") as folder:
            both.append(index_once(corpus, folder / "index.duckdb", promoted=True))
        with scratch("index") as folder:
            first.append(index_once(corpus, folder / "index.duckdb"))
    rates = _rates(amount, both, first, inside=False)
    return Line(
        name=f"index {corpus.shape.files:,} files x {corpus.shape.spans:,}, attributes too",
        measured=rates[0],
        unit=unit,
        compared=rates[1],
        compared_with="without attributes",
        ratio=rates[0] / rates[1],
        details={"both": _facts(corpus, both), "first": _facts(corpus, first)},
    )


def _compare(corpus: Corpus, rounds: int, amount: int, unit: str, at_least: float) -> list[Line]:
    ours, theirs = [], []
    for _ in range(rounds):
        with scratch("index") as folder:
            ours.append(index_once(corpus, folder / "index.duckdb"))
        with scratch("ctas") as folder:
            theirs.append(_copy(corpus, str(folder / "copy.duckdb")))
    whole = _rates(amount, ours, theirs, inside=False)
    inside = _rates(amount, ours, theirs, inside=True)
    name = f"index {corpus.shape.files:,} files x {corpus.shape.spans:,}"
    details = {
        "index": _facts(corpus, ours),
        "copy": _facts(corpus, theirs),
        "processor_time_ratio": round(_processor_s(theirs) / _processor_s(ours), 3),
    }
    return [
        Line(
            name=name,
            measured=whole[0],
            unit=unit,
            compared=whole[1],
            compared_with="CREATE TABLE AS",
            ratio=whole[0] / whole[1],
            at_least=at_least,
            details=details,
        ),
        Line(
            name=f"{name}, without start-up",
            measured=inside[0],
            unit=unit,
            compared=inside[1],
            compared_with="CREATE TABLE AS",
            ratio=inside[0] / inside[1],
        ),
    ]


def _copy(corpus: Corpus, database: str) -> Finished:
    done = run(["-m", "tests.benchmark.ctas", str(corpus.root), database])
    if done.answer["spans"] != corpus.shape.total:
        raise ProcessFailed(f"not the whole corpus was copied: {done.answer}")
    return done


def _rates(
    amount: int, ours: list[Finished], theirs: list[Finished], *, inside: bool
) -> tuple[float, float]:
    """(ours, theirs) in amount a second, by the median of the turns."""

    def rate(turns: list[Finished]) -> float:
        seconds = [turn.answer["seconds"] if inside else turn.seconds for turn in turns]
        return amount / median(seconds)

    return rate(ours), rate(theirs)


def _processor_s(turns: list[Finished]) -> float:
    """On all cores together: what stays comparable on a machine that others use too."""
    return median([turn.processor_seconds for turn in turns])


def _facts(corpus: Corpus, turns: list[Finished]) -> dict[str, object]:
    seconds = median([turn.seconds for turn in turns])
    return {
        "seconds": [round(turn.seconds, 3) for turn in turns],
        "seconds_without_start_up": [round(turn.answer["seconds"], 3) for turn in turns],
        "processor_seconds": [round(turn.processor_seconds, 3) for turn in turns],
        "peak_mib": [round(turn.peak_bytes / (1 << 20), 1) for turn in turns],
        "spans_per_second": round(corpus.shape.total / seconds),
        "files_per_second": round(corpus.shape.files / seconds, 1),
        "parquet_mib": round(corpus.size_bytes / (1 << 20), 1),
    }

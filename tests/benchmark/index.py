"""Indexing all there is, against DuckDB's own copy of the same columns.

The index does more than the copy (it proves pages, settles who owns a span, keeps traces and
services), so a ratio of 1 would mean that all of that is free. Attributes are a second pass of the
index, and one more column of the copy. Many small files are where a scan pays for each file anew,
and where real storages are.
"""

from collections.abc import Sequence

from indexer.settings.indexing import PROMOTED_KEYS
from tests.benchmark.corpus import Corpus
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.processes import Finished, ProcessFailed, index_once, run
from tests.benchmark.report import Line, median

RATE_AT_LEAST = 0.75
"""Of DuckDB's rate in spans, for large files."""
SMALL_FILES_AT_LEAST = 2.0
"""Of DuckDB's rate in files, for small files without their attributes."""


def measure(plan: Plan) -> list[Line]:
    """Each corpus without attributes and with them, in turns with the copy, whole processes."""
    large, little = plan.corpora()
    fewer = plan.fewer_files()
    lines: list[Line] = []
    for promoted in (False, True):
        for corpus in (large, fewer):
            lines.append(_compare(corpus, plan.index_rounds, "spans/s", promoted=promoted))
        # Once: thousands of files are repetition enough.
        lines.append(_compare(little, 1, "files/s", promoted=promoted))
    return lines


def _compare(corpus: Corpus, rounds: int, unit: str, *, promoted: bool) -> Line:
    amount = corpus.shape.files if unit == "files/s" else corpus.shape.total
    ours, theirs = [], []
    for _ in range(rounds):
        with scratch("index") as folder:
            ours.append(index_once(corpus, folder / "index.duckdb", promoted=promoted))
        with scratch("ctas") as folder:
            keys = PROMOTED_KEYS if promoted else ()
            theirs.append(_copy(corpus, str(folder / "copy.duckdb"), keys))
    whole = _rates(amount, ours, theirs, inside=False)
    inside = _rates(amount, ours, theirs, inside=True)
    attributes = ", attributes too" if promoted else ""
    name = f"index {corpus.shape.files:,} files x {corpus.shape.spans:,}{attributes}"
    details = {
        "index": _facts(corpus, ours),
        "copy": _facts(corpus, theirs),
        "processor_time_ratio": round(_processor_s(theirs) / _processor_s(ours), 3),
        "ratio_without_start_up": round(inside[0] / inside[1], 3),
    }
    return Line(
        name=name,
        measured=whole[0],
        unit=unit,
        compared=whole[1],
        compared_with="CREATE TABLE AS",
        ratio=whole[0] / whole[1],
        at_least=SMALL_FILES_AT_LEAST if unit == "files/s" and not promoted else RATE_AT_LEAST,
        details=details,
    )


def _copy(corpus: Corpus, database: str, keys: Sequence[str]) -> Finished:
    done = run(["-m", "tests.benchmark.ctas", str(corpus.root), database, *keys])
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

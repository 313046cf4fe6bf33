"""Memory and disk that the index takes, up to a catalog ten times the size of the corpora.

Memory must depend on what is in hand and, slightly, on the number of traces; disk must stay a
few bytes a span. Whole processes are measured, by the system's own account of their peak.
"""

from tests.benchmark.corpus import Corpus
from tests.benchmark.layout import Shape
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.processes import Finished, catalog_bytes, index_once, run
from tests.benchmark.report import Line

SPANS_A_FILE = 20_000
_MIB = 1 << 20


def measure(plan: Plan) -> list[Line]:
    """Both corpora through the whole program, and the large catalog through the register."""
    lines = [line for corpus in plan.corpora() for line in _of_corpus(corpus)]
    files = plan.spans_max // SPANS_A_FILE
    return [*lines, *_of_metadata(Shape(files=files, spans=SPANS_A_FILE))] if files else lines


def _of_corpus(corpus: Corpus) -> list[Line]:
    with scratch("memory") as folder:
        catalog = folder / "index.duckdb"
        done = index_once(corpus, catalog)
        size = catalog_bytes(catalog)
    return _two_lines(_named(corpus.shape), done, size, corpus.shape.total)


def _named(shape: Shape) -> str:
    return f"{shape.total / 1e6:.3g}M spans in {shape.files:,} files"


def _two_lines(what: str, done: Finished, size: int, spans: int) -> list[Line]:
    return [
        Line(
            name=f"peak memory, indexing {what}",
            measured=done.peak_bytes / _MIB,
            unit="MiB",
            details={"seconds": round(done.seconds, 2), **done.answer},
        ),
        Line(
            name=f"catalog of {what}",
            measured=size / spans,
            unit="bytes a span",
            details={"catalog_bytes": size, "spans": spans},
        ),
    ]


def _of_metadata(shape: Shape) -> list[Line]:
    child = ["-m", "tests.benchmark.metadata_only"]
    with scratch("memory") as folder:
        sizes = [str(shape.files), str(shape.spans)]
        filled = run([*child, "fill", str(folder), *sizes])
        size = catalog_bytes(folder / "index.duckdb")
        loaded = run([*child, "load", str(folder)])
    what = _named(shape)
    return [*_two_lines(what, filled, size, shape.total), *_of_directory(what, loaded)]


def _of_directory(what: str, loaded: Finished) -> list[Line]:
    entries, held = loaded.answer["entries"], loaded.answer["directory_bytes"]
    return [
        Line(
            name=f"trace directory of {what}",
            measured=held / _MIB,
            unit="MiB",
            details={"entries": entries, "bytes": held},
        ),
        Line(
            name="trace directory, per million of (trace, file)",
            measured=held / entries,
            unit="MB",
            details={"bytes_an_entry": held / entries},
        ),
        Line(
            name=f"load the register of {what}",
            measured=loaded.answer["load_s"],
            unit="s",
            details=loaded.answer,
        ),
        Line(
            name=f"peak memory, loading {what}",
            measured=loaded.peak_bytes / _MIB,
            unit="MiB",
        ),
    ]

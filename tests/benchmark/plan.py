"""Sizes of one run: the full ones that the bounds are meant for, and small ones that only run.

A measurement takes everything that can be varied from here, so that a check of the benchmark
and the benchmark are the same code.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmark.corpus import Corpus, corpus
from tests.benchmark.layout import Shape

PROJECT = Path(__file__).resolve().parents[2]
OUTPUT = PROJECT / "bench-output"
SPANS_MAX = 40_000_000


_LARGE = Shape(files=200, spans=20_000)
_FEWER = Shape(files=60, spans=20_000)
_LITTLE = Shape(files=5_000, spans=500)
_MANY = Shape(files=1_000, spans=10_000)
_MILLION = Shape(files=50, spans=20_000)
_SIZES = (
    *(Shape(files=files, spans=20_000) for files in (50, 500, 5_000)),
    *(Shape(files=files, spans=200) for files in (100, 50_000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of what is measured."""

    large: Shape = _LARGE
    """Few large files."""
    fewer: Shape = _FEWER
    """A quarter of them, of which start-up and the last commit are a larger share."""
    little: Shape = _LITTLE
    """Many small files."""
    rounds: int = 3
    """Turns of each side where a turn takes seconds."""
    index_rounds: int = 2
    """The same of the index, which has several kinds of them."""
    answers: int = 16
    """Questions of each kind."""
    arrivals: int = 220
    """Files that arrive one by one at an idle worker."""
    busy_s: int = 60
    """Seconds in which one large file a second arrives too."""
    load_s: int = 60
    """Seconds of each load on the ingestion."""
    few_files: int = 100
    many_files: int = 50_000
    registrations: int = 40
    """Single files registered on top of few and of many."""
    dashboards: tuple[Shape, ...] = (_LARGE, _MANY)
    """What dashboards are asked over."""
    panel_s: float = 5.0
    """Seconds of each question of a dashboard, with so many clients."""
    arriving_spans: int = 20_000
    """Of the file that arrives each second meanwhile."""
    scans: int = 2
    """Scans of everything for each question of a dashboard."""
    searches: int = 5
    """Turns of a search that reads all files, and of DuckDB's scan of them: what else a machine
    does makes two of them scatter by a fifth."""
    sizes: tuple[Shape, ...] = _SIZES
    """What is there before one more file, and questions."""
    sql: Shape = _MILLION
    """What SQL is asked over."""
    otlp_requests: int = 100
    """Requests of 512 spans in a file of OTLP."""
    otlp_bytes: int = 2_000_000_000
    """Of the file of OTLP whose reading is to stay in little memory."""
    dialect_spans: int = 20_000
    """Of the file of each dialect."""
    floor_spans: int = 1_000_000
    """Spans that are sent before answers are held against a stored body."""
    floor_paths: int = 30_000
    """Questions at most, of each kind and by each number of clients."""
    indexed_spans: int = 1_000_000
    """Spans that are followed from OTLP into the index."""
    idle_s: float = 20.0
    """Seconds in which nothing happens."""
    mastra_traces: int = 50_000
    """Traces of 20 spans in the Mastra store."""
    mastra_peer_traces: int = 1_000
    """The same in the stores of others, which take longer."""
    spans_max: int = SPANS_MAX
    """Spans of the largest catalog; 0 leaves it out."""

    def corpora(self) -> list[Corpus]:
        """Both corpora, made now unless they are kept from an earlier run, and read once."""
        return [_warm_corpus(shape) for shape in (self.large, self.little)]

    def fewer_files(self) -> Corpus:
        """A quarter of the large files, made and read like both corpora."""
        return _warm_corpus(self.fewer)


def _warm_corpus(shape: Shape) -> Corpus:
    made = corpus(OUTPUT / "corpora", shape)
    made.warm()
    return made


SMALL = Plan(
    large=Shape(files=8, spans=2_000),
    fewer=Shape(files=4, spans=2_000),
    little=Shape(files=60, spans=100),
    rounds=1,
    index_rounds=1,
    sizes=(Shape(files=4, spans=2_000), Shape(files=40, spans=200)),
    sql=Shape(files=4, spans=2_000),
    answers=4,
    arrivals=20,
    busy_s=4,
    load_s=3,
    few_files=20,
    many_files=400,
    registrations=5,
    dashboards=(Shape(files=8, spans=2_000),),
    panel_s=0.5,
    arriving_spans=2_000,
    scans=1,
    searches=1,
    otlp_requests=32,
    otlp_bytes=60_000_000,
    dialect_spans=500,
    floor_spans=10_240,
    floor_paths=200,
    indexed_spans=20_480,
    idle_s=3.0,
    mastra_traces=100,
    mastra_peer_traces=40,
    spans_max=0,
)


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A folder for one measurement, on the disk of the corpora, gone afterwards."""
    OUTPUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=OUTPUT) as folder:
        yield Path(folder)


def environment(storage: Path, catalog: Path) -> dict[str, str]:
    """What a process of the indexer is given; settings of the caller's shell are not."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INDEXER_")}
    return {
        **kept,
        "JUNJO_SPAN_STORAGE_PATH": str(storage),
        "JUNJO_DUCKDB_PATH": str(catalog),
        "INDEXER_LOG_LEVEL": "warning",
        "INDEXER_HTTP_LISTEN": "",
    }

"""The spans of a corpus as numbers, file by file, from a seed alone.

The same arrays become Parquet files (``corpus``) or batches that never were files
(``synthetic``), so that a state of forty million spans costs no disk. A file's spans depend on
the seed, its own number and the number before it, so any file can be made without the others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

T0 = 1_793_491_200_000_000_000
"""2026-11-01 UTC, in nanoseconds."""
DAY = 86_400_000_000_000
DAYS = 20
SPANS_OF_A_TRACE = 12
STRADDLING = 0.05
"""Traces that go on in the next file."""
SPANS_CARRIED = 6
"""Spans of such a trace in the next file."""
ERRORS = 0.03
TRACE_LASTS = 2_000_000_000

SERVICES = {
    "gateway": ("GET /", "GET /products/{id}", "POST /orders", "GET /health", "POST /login"),
    "catalog": ("list products", "get product", "search", "SELECT products", "refresh cache"),
    "cart": ("add item", "remove item", "get cart", "HGET cart", "expire carts"),
    "orders": ("place order", "cancel order", "INSERT orders", "publish order", "list orders"),
    "payments": ("authorise", "capture", "refund", "POST bank", "INSERT payments"),
    "shipping": ("quote", "create label", "track", "POST carrier", "consume order"),
    "identity": ("verify token", "issue token", "SELECT users", "rotate keys", "hash password"),
    "assistant": ("run workflow", "plan", "chat completion", "embed query", "call tool"),
}
SERVICE_NAMES = tuple(SERVICES)
OPERATIONS = tuple((service, name) for service, names in SERVICES.items() for name in names)
_SERVER, _INTERNAL, _CLIENT = 2, 1, 3
_KINDS = np.array([_SERVER, _INTERNAL, _SERVER, _CLIENT, _INTERNAL] * len(SERVICES), np.int8)
_OPERATIONS_OF_A_SERVICE = len(OPERATIONS) // len(SERVICES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many files of how many spans; ``seed`` decides everything else."""

    files: int
    spans: int
    seed: int = 1
    first_day: int = 0
    """Days after ``T0`` that the first file begins."""

    @property
    def name(self) -> str:
        """What a folder of it is called."""
        return f"{self.files}x{self.spans}-seed{self.seed}"

    @property
    def total(self) -> int:
        """Spans of all files."""
        return self.files * self.spans

    @property
    def traces(self) -> int:
        """Traces that begin in each file."""
        return max(1, round(self.spans / SPANS_OF_A_TRACE))

    @property
    def straddling(self) -> int:
        """Of those, the ones that go on in the next file."""
        return round(self.traces * STRADDLING)

    @property
    def lasts(self) -> int:
        """Nanoseconds that one file covers."""
        return DAYS * DAY // self.files

    def begins(self, file: int) -> int:
        """When the spans of a file start."""
        return T0 + self.first_day * DAY + file * self.lasts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileSpans:
    """Parallel arrays, one element a span, in order of start; ``parent_span_id`` 0 is a root."""

    trace_hi: Any
    trace_lo: Any
    span_id: Any
    parent_span_id: Any
    start: Any
    duration: Any
    status: Any
    kind: Any
    operation: Any

    @property
    def service(self) -> Any:
        """The position of each span's service in SERVICE_NAMES."""
        return self.operation // _OPERATIONS_OF_A_SERVICE


@dataclass(frozen=True, slots=True, eq=False)
class _Traces:
    """The traces that begin in one file, in order of start."""

    hi: Any
    lo: Any
    root: Any
    start: Any


def file_spans(shape: Shape, file: int) -> FileSpans:
    """All spans of one file."""
    rng = np.random.default_rng([shape.seed, file, 1])
    own = _traces(shape, file)
    carried = _carried(shape, file)
    child_of = rng.integers(0, shape.traces, shape.spans - shape.traces - len(carried.hi))
    hi, lo = (_three(whole, child_of, part) for whole, part in _pairs(own, carried, "hi", "lo"))
    root = _three(own.root, child_of, carried.root)
    is_root = np.arange(shape.spans) < shape.traces
    span_id = np.where(is_root, root, _identifiers(rng, shape.spans))
    start = _three(own.start, child_of, carried.start)
    start = start + np.where(is_root, 0, rng.integers(1_000, TRACE_LASTS, shape.spans))
    operation = rng.integers(0, len(OPERATIONS), shape.spans).astype(np.int32)
    order = np.argsort(start, kind="stable")
    failed = rng.random(shape.spans) < ERRORS
    return FileSpans(
        trace_hi=hi[order],
        trace_lo=lo[order],
        span_id=span_id[order],
        parent_span_id=np.where(is_root, np.uint64(0), root)[order],
        start=start[order],
        duration=rng.lognormal(15.5, 1.5, shape.spans).astype(np.int64) + 1_000,
        status=np.where(failed, 2, rng.integers(0, 2, shape.spans)).astype(np.int8),
        kind=_KINDS[operation[order]],
        operation=operation[order],
    )


def trace_ids(shape: Shape, file: int) -> list[str]:
    """The traces that begin in a file, in order of start; the last ones straddle."""
    own = _traces(shape, file)
    return [f"{hi:016x}{lo:016x}" for hi, lo in zip(own.hi.tolist(), own.lo.tolist(), strict=True)]


def _traces(shape: Shape, file: int) -> _Traces:
    rng = np.random.default_rng([shape.seed, file, 0])
    start = np.sort(rng.integers(0, shape.lasts - TRACE_LASTS, shape.traces))
    return _Traces(
        _identifiers(rng, shape.traces),
        _identifiers(rng, shape.traces),
        _identifiers(rng, shape.traces),
        start + shape.begins(file),
    )


def _carried(shape: Shape, file: int) -> _Traces:
    """One element a span that a trace of the file before has in this one."""
    if file == 0 or not shape.straddling:
        none = np.zeros(0, np.uint64)
        return _Traces(none, none, none, np.zeros(0, np.int64))
    before = _traces(shape, file - 1)
    index = np.repeat(np.arange(shape.traces - shape.straddling, shape.traces), SPANS_CARRIED)
    start = np.full(len(index), shape.begins(file))
    return _Traces(before.hi[index], before.lo[index], before.root[index], start)


def _pairs(own: _Traces, carried: _Traces, *names: str) -> list[tuple[Any, Any]]:
    return [(getattr(own, name), getattr(carried, name)) for name in names]


def _three(own: Any, child_of: Any, carried: Any) -> Any:
    """A value a span: of the roots, of their children here, of the carried children."""
    return np.concatenate([own, own[child_of], carried])


def _identifiers(rng: np.random.Generator, count: int) -> Any:
    """Random 64 bits, never zero."""
    return rng.integers(1, np.iinfo(np.uint64).max, count, dtype=np.uint64, endpoint=True)

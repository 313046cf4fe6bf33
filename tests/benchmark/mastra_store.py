"""The Mastra store beside the stores of DuckDB that others have for Mastra's spans and the like.

Ours is measured at a million spans. Beside the others, where ``make bench-peers`` has set them up, it
is measured once more at fewer spans, the same for both, because they take longer. Times are those
of the calls alone: spans are made before.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.mastra.sync_store import SyncDuckDBStore
from tests.benchmark.mastra_peers import DELETED, peers
from tests.benchmark.mastra_spans import Volume, batches, trace_id, updates
from tests.benchmark.plan import Plan, scratch
from tests.benchmark.report import Line, median

UPDATED_TRACES = 5_000
"""Of the million spans those that are updated: rates do not depend on how many."""
ASKED = 20
"""Times that each list and trace is asked."""
ROUNDS = 10
GROWTH_AT_MOST = 1.5
MEMORY_LIMIT = "1GiB"
FILTERS = {"metadata": {"plan": "gold"}, "entityName": "Agent 1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One operation: its unit, and the aim for ours."""

    name: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None


MEASURES = {
    "create": Measure(name="create in batches of 1,000", unit="spans/s", at_least=20_000),
    "update": Measure(name="update in batches of 1,000", unit="spans/s", at_least=10_000),
    "list": Measure(name="first page of list_traces", unit="ms", at_most=30),
    "filtered": Measure(name="first page of list_traces, filtered", unit="ms", at_most=15),
    "trace": Measure(name="get_trace", unit="ms", at_most=10),
    "delete": Measure(name="delete of 1,000 traces", unit="s", at_most=1.5),
    "checkpoint": Measure(name="checkpoint after it", unit="s"),
}
"""In the order in which they are measured."""
Figures = dict[str, float]


def measure(plan: Plan) -> list[Line]:
    """Ours with its aims, then each of the others beside it."""
    volume = Volume(plan.mastra_traces)
    with scratch("mastra") as folder:
        path = folder / "ours.duckdb"
        ours = _ours(path, volume)
        lines = [_line(name, ours[name], volume) for name in MEASURES]
        lines.append(_growth(path, plan))
        largest = Volume(plan.mastra_peer_traces)
        for peer, given, theirs in peers(folder, largest, ASKED):
            beside = _ours(folder / f"beside-{given.spans}.duckdb", given)
            lines += [
                _beside(name, beside[name], theirs[name], peer, given)
                for name in MEASURES
                if name in theirs
            ]
    return lines


def _ours(path: Path, volume: Volume) -> Figures:
    store = SyncDuckDBStore(path, memory_limit=MEMORY_LIMIT)
    store.init()
    spans = store.observability
    changed = Volume(min(UPDATED_TRACES, volume.traces), volume.spans_each)
    try:
        figures = {
            "create": volume.spans / _total(spans.batch_create_spans, batches(volume)),
            "update": changed.spans / _total(spans.batch_update_spans, updates(changed)),
            "list": 1e3 * _asked(lambda _: spans.list_traces()),
            "filtered": 1e3 * _asked(lambda _: spans.list_traces({"filters": FILTERS})),
            "trace": 1e3 * _asked(lambda turn: spans.get_trace(_some(volume, turn))),
        }
        deleted = [trace_id(number) for number in range(min(DELETED, volume.traces // 2))]
        figures["delete"] = _total(spans.batch_delete_traces, [deleted])
        figures["checkpoint"] = _total(lambda _: store.database.checkpoint(), [None])
        return figures
    finally:
        store.close()


def _total(call: Callable[[Any], object], given: Any) -> float:
    """Seconds of all calls, without the making of what they are given."""
    seconds = 0.0
    for one in given:
        began_s = time.perf_counter()
        call(one)
        seconds += time.perf_counter() - began_s
    return seconds


def _asked(call: Callable[[int], object]) -> float:
    """The median of several calls, in seconds, after one that is not counted."""
    call(0)
    return median([_total(call, [turn]) for turn in range(1, ASKED + 1)])


def _some(volume: Volume, turn: int) -> str:
    """The ID of a trace somewhere in the store."""
    return trace_id(turn * volume.traces // (ASKED + 1))


def _growth(path: Path, plan: Plan) -> Line:
    """The file after rounds that each insert and delete as much."""
    each = Volume(min(DELETED, plan.mastra_traces))
    first = plan.mastra_traces
    store = SyncDuckDBStore(path, memory_limit=MEMORY_LIMIT)
    store.init()
    try:
        store.database.checkpoint()
        before = path.stat().st_size
        sizes = []
        for _ in range(ROUNDS):
            _total(store.observability.batch_create_spans, batches(each, first))
            ids = [trace_id(number) for number in range(first, first + each.traces)]
            store.observability.batch_delete_traces(ids)
            store.database.checkpoint()
            sizes.append(path.stat().st_size)
    finally:
        store.close()
    return Line(
        name=f"Mastra store, file after {ROUNDS} rounds of insert and delete",
        measured=sizes[-1] / before,
        unit="x",
        at_most=GROWTH_AT_MOST,
        details={"bytes_before": before, "bytes": sizes},
    )


def _line(name: str, figure: float, volume: Volume) -> Line:
    one = MEASURES[name]
    return Line(
        name=f"Mastra store, {one.name}",
        measured=figure,
        unit=one.unit,
        at_least=one.at_least,
        at_most=one.at_most,
        details={"traces": volume.traces, "spans": volume.spans},
    )


def _beside(name: str, ours: float, theirs: float, peer: str, volume: Volume) -> Line:
    one = MEASURES[name]
    return Line(
        name=f"Mastra store with {volume.spans:,} spans, {one.name}",
        measured=ours,
        unit=one.unit,
        compared=theirs,
        compared_with=peer,
        ratio=ours / theirs if one.at_least is not None else theirs / ours,
        at_least=1,
    )

"""Run the measurements, print one table and keep all numbers as JSON.

python -m tests.benchmark [--small] [--only NAME ...] [--spans-max N]
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmark import (
    answers,
    counting,
    dashboards,
    dialects,
    floors,
    freshness,
    growth,
    idle,
    index,
    indexed,
    ingest,
    live_tables,
    mastra_store,
    memory,
    otlp_files,
    searches,
    sizes,
    sql_hot,
    sql_views,
    starts,
)
from tests.benchmark.plan import OUTPUT, SMALL, SPANS_MAX, Plan
from tests.benchmark.report import Line, machine, show

PARTS: dict[str, Callable[[Plan], list[Line]]] = {
    "index": index.measure,
    "freshness": freshness.measure,
    "ingest": ingest.measure,
    "indexed": indexed.measure,
    "idle": idle.measure,
    "counting": counting.measure,
    "growth": growth.measure,
    "answers": answers.measure,
    "dashboards": dashboards.measure,
    "memory": memory.measure,
    "otlp": otlp_files.measure,
    "live": live_tables.measure,
    "sql": sql_views.measure,
    "sql-hot": sql_hot.measure,
    "search": searches.measure,
    "dialects": dialects.measure,
    "floors": floors.measure,
    "mastra": mastra_store.measure,
    "sizes": sizes.measure,
    "starts": starts.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 when a measurement failed; a bound that is not met is a result, not a failure."""
    options = _parser().parse_args(arguments)
    plan = SMALL if options.small else Plan()
    if options.spans_max is not None:
        plan = replace(plan, spans_max=options.spans_max)
    facts = machine()
    print("  ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    lines, failed = _run(options.only or list(PARTS), plan)
    show(lines, small=options.small)
    written = _write({"machine": facts, "small": options.small, "failed": failed}, lines)
    print(f"written to {written}")
    return 1 if failed else 0


def _run(names: Sequence[str], plan: Plan) -> tuple[list[Line], list[str]]:
    """(what was measured, the parts that failed); one part's failure does not end the others."""
    lines: list[Line] = []
    failed = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        started = time.monotonic()
        try:
            lines += PARTS[name](plan)
        except Exception:
            traceback.print_exc()
            failed.append(name)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return lines, failed


def _write(facts: dict[str, Any], lines: Sequence[Line]) -> Path:
    now = datetime.now(UTC)
    path = OUTPUT / f"{now:%Y-%m-%dT%H-%M-%SZ}.json"
    OUTPUT.mkdir(exist_ok=True)
    content = {"at": now.isoformat(), **facts, "lines": [line.as_json() for line in lines]}
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmark", description="Measure the indexer; see README.md here."
    )
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), help="these measurements only")
    parser.add_argument(
        "--spans-max",
        type=int,
        help=f"spans of the largest catalog, 0 for none (default {SPANS_MAX:,}, small 0)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

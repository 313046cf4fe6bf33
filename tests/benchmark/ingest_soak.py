"""Minutes at a steady rate, looked at every few seconds: whether anything grows or slows down.

    python -m tests.benchmark.ingest_soak [--seconds N]

It ends by itself; JSON and a chart are in bench-output/.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.benchmark.chart import Panel, chart
from tests.benchmark.embedded import Embedded, embedded
from tests.benchmark.ingest import STEADY_RATE, milliseconds
from tests.benchmark.load import Asking, Sending, Timed, sending
from tests.benchmark.plan import OUTPUT, scratch
from tests.benchmark.report import machine, percentile

SECONDS = 300.0
EVERY_S = 5.0
PERCENTS = (50, 95, 99)
PARTS = ("ingestion", "writer", "worker")

Sample = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every acknowledged span is there at the end, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.ingest_soak")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="default: %(default)g")
    seconds: float = parser.parse_args(arguments).seconds
    with (
        scratch("soak") as folder,
        embedded(folder) as running,
        sending(running, seed=9, seconds=seconds, rate=STEADY_RATE) as sent,
    ):
        asking = Asking(running, sent)
        samples = _samples(running, sent, asking, seconds)
        sent.ended()
        asking.ended()
        held, details = running.held(sent.acknowledged)
    lost = sent.acknowledged - held
    summary = {
        "seconds": seconds,
        "acknowledged": sent.acknowledged,
        "spans_per_second": round(sent.rate, 1),
        "lost": lost,
        **details,
        "export_ms": _percentiles(sent.exports),
        "trace_ms": _percentiles(asking.answers),
        "incomplete": asking.incomplete,
        "sender": sent.facts,
    }
    _write(summary, samples)
    print(json.dumps(summary, indent=2))
    return 1 if lost else 0


def _samples(running: Embedded, sent: Sending, asking: Asking, seconds: float) -> list[Sample]:
    """One every few seconds: what has happened since the one before."""
    samples: list[Sample] = []
    began_s, seen = time.monotonic(), (0, 0)
    for number in range(1, math.ceil(seconds / EVERY_S) + 1):
        due_s = min(number * EVERY_S, seconds)
        time.sleep(max(0.0, began_s + due_s - time.monotonic()))
        counts = len(sent.exports), len(asking.answers)
        samples.append(
            {
                "at_s": round(time.monotonic() - began_s, 1),
                "export_ms": _percentiles(sent.exports[seen[0] : counts[0]]),
                "trace_ms": _percentiles(asking.answers[seen[1] : counts[1]]),
                "rss_mib": running.parts.rss_mib(),
                "processor_s": running.parts.processor_s(),
            }
        )
        seen = counts
    return samples


def _percentiles(timed: Sequence[Timed]) -> dict[str, float]:
    """Nothing where nothing ended."""
    if not timed:
        return {}
    return {f"p{one}": round(percentile(milliseconds(timed), one), 3) for one in PERCENTS}


def _write(summary: dict[str, Any], samples: Sequence[Sample]) -> None:
    at = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    content = {"machine": machine(), "summary": summary, "samples": samples}
    for suffix, text in (("json", json.dumps(content, indent=2)), ("svg", _chart(samples))):
        path = OUTPUT / f"ingest-soak-{at}.{suffix}"
        path.write_text(text + "\n")
        print(f"written to {path}", file=sys.stderr)


def _chart(samples: Sequence[Sample]) -> str:
    times = [sample["at_s"] for sample in samples]

    def panel(title: str, unit: str, field: str, names: Sequence[str]) -> Panel:
        lines = {name: [sample[field].get(name) for sample in samples] for name in names}
        return Panel(title=title, unit=unit, times_s=times, lines=lines)

    percents = [f"p{one}" for one in PERCENTS]
    return chart(
        [
            panel("An export of 512 spans, at 10,000 spans/s", "ms", "export_ms", percents),
            panel("A recent trace, asked for beside it", "ms", "trace_ms", percents),
            panel("Memory in hand", "MiB", "rss_mib", PARTS),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

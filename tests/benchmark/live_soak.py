"""Minutes of 10,000 spans/s into live tables with ten queries a second beside them.

    python -m tests.benchmark.live_soak [--seconds N] [--askers N]

It ends by itself; JSON and a chart are in bench-output/.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from tests.benchmark.chart import Panel, chart
from tests.benchmark.ingest import STEADY_RATE, milliseconds
from tests.benchmark.live_tables import EXPORT_P99_MAX_MS, QUERIES_PER_S, Receiving, receiving
from tests.benchmark.load import Sending
from tests.benchmark.plan import OUTPUT
from tests.benchmark.report import machine, percentile

SECONDS = 300.0
SAMPLES = 60
PLATEAU_SAMPLES = 10
PLATEAU = 0.05
"""How far from their mean the last samples of memory may be."""
_MIB = 1 << 20

Sample = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every export was in time and memory has come to rest, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.live_soak")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="default: %(default)g")
    parser.add_argument("--askers", type=int, default=1, help="who share the queries; default: 1")
    options = parser.parse_args(arguments)
    seconds: float = options.seconds
    with receiving("live", QUERIES_PER_S, options.askers) as running:
        sending = Sending(running.target, seed=13, seconds=seconds, rate=STEADY_RATE)
        samples = _samples(running, sending, seconds)
        sending.ended()
    summary = _summary(running, sending, samples)
    _write({**summary, "seconds": seconds}, samples)
    print(json.dumps(summary, indent=2))
    return 0 if summary["export_ms"]["p99"] < EXPORT_P99_MAX_MS and summary["plateau"] else 1


def _samples(running: Receiving, sending: Sending, seconds: float) -> list[Sample]:
    samples: list[Sample] = []
    began_s, seen = time.monotonic(), 0
    for number in range(1, SAMPLES + 1):
        time.sleep(max(0.0, began_s + seconds * number / SAMPLES - time.monotonic()))
        exports = sending.exports[seen:]
        seen += len(exports)
        samples.append(
            {
                "at_s": round(time.monotonic() - began_s, 1),
                "p50": percentile(milliseconds(exports), 50) if exports else None,
                "p99": percentile(milliseconds(exports), 99) if exports else None,
                "rss_mib": _rss_mib(running.process_id),
            }
        )
    return samples


def _summary(running: Receiving, sending: Sending, samples: Sequence[Sample]) -> dict[str, Any]:
    exports, asked = milliseconds(sending.exports), running.seen["query_ms"]
    last = [sample["rss_mib"] for sample in samples[-PLATEAU_SAMPLES:]]
    return {
        "acknowledged": sending.acknowledged,
        "spans_per_second": round(sending.rate, 1),
        "export_ms": {f"p{one}": percentile(exports, one) for one in (50, 95, 99)},
        "queries": len(asked),
        "queries_per_second": round(len(asked) / (sending.acknowledged / sending.rate), 2),
        "query_ms": {f"p{one}": percentile(asked, one) for one in (50, 95, 99)},
        "rss_mib": last,
        "plateau": max(abs(one - fmean(last)) for one in last) <= PLATEAU * fmean(last),
        "stats": running.seen["stats"],
        "processor_seconds": running.seen["processor_seconds"],
        "sender": sending.facts,
    }


def _rss_mib(process_id: int) -> float:
    pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    return round(pages * 4096 / _MIB, 1)


def _write(summary: dict[str, Any], samples: Sequence[Sample]) -> None:
    OUTPUT.mkdir(exist_ok=True)
    times = [sample["at_s"] for sample in samples]
    exports = {name: [sample[name] for sample in samples] for name in ("p50", "p99")}
    image = chart(
        [
            Panel(title="An export of 512 spans", unit="ms", times_s=times, lines=exports),
            Panel(
                title="Memory of the process",
                unit="MiB",
                times_s=times,
                lines={"rss": [sample["rss_mib"] for sample in samples]},
            ),
        ]
    )
    at = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    content = {"machine": machine(), "summary": summary, "samples": samples}
    for suffix, text in (("json", json.dumps(content, indent=2)), ("svg", image)):
        path = OUTPUT / f"live-soak-{at}.{suffix}"
        path.write_text(text + "\n")
        print(f"written to {path}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

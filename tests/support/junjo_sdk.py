"""What Junjo's SDKs of both generations sent, and the states that their stores ended in.

That of today runs in this process. The one before contract 2 cannot be installed beside it: what
it sent is kept in ``tests/data``, with the program that sent it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from tests.support import junjo_agents, junjo_runs, junjo_workflows

KEPT = Path(__file__).parents[1] / "data" / "junjo-sdk-0.60"
GENERATIONS = ("0.60", "0.68")


@dataclass(frozen=True)
class SdkRuns:
    """One export request, and the last state of each store by its ID."""

    service: str
    body: bytes
    states: dict[str, Any]


@cache
def sdk_runs(generation: str) -> SdkRuns:
    """Runs of workflows that complete, fail and are cancelled; of today's SDK agents as well."""
    if generation == "0.60":
        states = json.loads((KEPT / "states.json").read_text("utf-8"))
        return SdkRuns("junjo 0.60", (KEPT / "spans.binpb").read_bytes(), states)
    workflows = [junjo_workflows.completed(), junjo_workflows.failed(), junjo_workflows.cancelled()]
    agents = [junjo_agents.ends()["final_output"], junjo_agents.in_a_workflow()]
    runs = [*workflows, *agents]
    body = encode_spans([span for run in runs for span in run.sent]).SerializeToString()
    return SdkRuns(
        junjo_runs.SERVICE,
        body,
        {key: state for run in runs for key, state in run.states.items()},
    )

"""An application with the Junjo SDK, to be run: two workflows sent to an endpoint, one fails.

A process of its own, because the SDK takes its tracers from the one provider of a process. What
the SDK's spans were goes to standard output, as answers of ``trace`` have them.

    python -m tests.support.junjo_app [HOST:PORT API_KEY]

Without an endpoint the spans go nowhere else.
"""

import asyncio
import json
import sys

from junjo import BaseState, BaseStore, Edge, Graph, Node, Workflow, WorkflowExecutionError
from junjo.telemetry.junjo_otel_exporter import JunjoOtelExporter
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.sdk_spans import answered

SERVICE = "junjo app"


class State(BaseState):
    items: tuple[str, ...] = ()
    count: int | None = None
    fails: bool = False


class Store(BaseStore[State]):
    async def set_items(self, items: tuple[str, ...]) -> None:
        await self.set_state({"items": items})

    async def set_count(self, count: int) -> None:
        await self.set_state({"count": count})


class Collect(Node[Store]):
    async def service(self, store: Store) -> None:
        await store.set_items(("Grüße", "😀", '"quoted"'))


class Count(Node[Store]):
    async def service(self, store: Store) -> None:
        state = await store.get_state()
        await store.set_count(len(state.items))
        if state.fails:
            raise ValueError("it cannot be counted")


def graph() -> Graph:
    collect, count = Collect(), Count()
    return Graph(source=collect, sinks=[count], edges=[Edge(tail=collect, head=count)])


async def run() -> None:
    """Both workflows, one after the other."""
    for fails in (False, True):
        workflow = Workflow[State, Store](
            name=f"fails: {fails}",
            graph_factory=graph,
            store_factory=lambda fails=fails: Store(State(fails=fails)),
        )
        try:
            await workflow.execute()
        except WorkflowExecutionError:
            assert fails


def main(endpoint: str | None = None, api_key: str = "") -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": SERVICE}))
    if endpoint is not None:
        exporter = JunjoOtelExporter(endpoint=endpoint, api_key=api_key, insecure=True)
        provider.add_span_processor(exporter.span_processor)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    trace.set_tracer_provider(provider)
    asyncio.run(run())
    provider.shutdown()
    json.dump([answered(span) for span in memory.get_finished_spans()], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])

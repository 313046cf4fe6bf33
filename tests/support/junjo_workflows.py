"""Workflows of the Junjo SDK of every shape: steps, a subflow, concurrent nodes, ends of each kind."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import Any

from junjo import (
    BaseState,
    BaseStore,
    Edge,
    Graph,
    Node,
    RunConcurrent,
    Subflow,
    Workflow,
    WorkflowExecutionError,
)
from opentelemetry import trace
from pydantic import Field

from tests.support.junjo_runs import JunjoRun, traced

LLM = {"openinference.span.kind": "LLM", "llm.model_name": "m", "llm.provider": "p"}


class State(BaseState):
    items: tuple[str, ...] = ()
    count: int | None = None
    nested: dict[str, Any] = Field(default_factory=dict)


class Store(BaseStore[State]):
    async def change(self, **values: Any) -> None:
        await self.set_state(values)


class Collect(Node[Store]):
    async def service(self, store: Store) -> None:
        await store.change(items=("Grüße", "😀", '"quoted"', "~/a~1"))
        await store.change(items=("Grüße",), nested={"a/b": {"~c": [1, 2.5, None, True]}})


class Count(Node[Store]):
    async def service(self, store: Store) -> None:
        state = await store.get_state()
        await store.change(count=len(state.items))
        await store.change(count=len(state.items))  # changes nothing
        await store.change(nested={**state.nested, "calls": [{"n": 1}, {"n": 1.0}]})


class Ask(Node[Store]):
    async def service(self, store: Store) -> None:
        with trace.get_tracer("llm").start_as_current_span("ask", attributes=LLM):
            await store.change(nested={"answer": "42"})


class Fail(Node[Store]):
    async def service(self, store: Store) -> None:
        await store.change(count=-1)
        raise ValueError("it cannot be counted")


class Stop(Node[Store]):
    async def service(self, store: Store) -> None:
        await store.change(count=0)
        task = asyncio.current_task()
        assert task is not None
        task.cancel("no more of it")
        await asyncio.sleep(0)


class Inner(Subflow[State, Store, State, Store]):
    async def pre_run_actions(self, parent_store: Store, subflow_store: Store) -> None:
        await subflow_store.change(items=("from above",))

    async def post_run_actions(self, parent_store: Store, subflow_store: Store) -> None:
        await parent_store.change(nested={"below": (await subflow_store.get_state()).count})


def graph(*nodes: Any) -> Graph:
    edges = [Edge(tail=tail, head=head) for tail, head in pairwise(nodes)]
    return Graph(source=nodes[0], sinks=[nodes[-1]], edges=edges)


async def execute(states: dict[str, Any], *nodes: Any) -> None:
    """One workflow of these nodes in a row; its stores' states end in ``states``."""
    stores: list[Store] = []

    def store() -> Store:
        stores.append(Store(State()))
        return stores[-1]

    made = [
        Inner(graph_factory=lambda: graph(Count()), store_factory=store) if one is Inner else one()
        for one in nodes
    ]
    workflow = Workflow[State, Store](
        name="Flow", graph_factory=lambda: graph(*made), store_factory=store
    )
    try:
        await workflow.execute()
    finally:
        for one in stores:
            states[one.id] = (await one.get_state()).model_dump(mode="json")


def concurrent() -> Any:
    return RunConcurrent(name="Both", items=[Count(), Ask()])


@cache
def completed() -> JunjoRun:
    """Steps, a subflow, concurrent nodes and an LLM call."""
    return traced(lambda states: execute(states, Collect, Inner, concurrent, Count))


@cache
def failed() -> JunjoRun:
    async def run(states: dict[str, Any]) -> None:
        try:
            await execute(states, Collect, Fail)
        except WorkflowExecutionError:
            return
        raise AssertionError

    return traced(run)


@cache
def cancelled() -> JunjoRun:
    async def run(states: dict[str, Any]) -> None:
        with suppress(asyncio.CancelledError):
            await execute(states, Collect, Stop)

    return traced(run)

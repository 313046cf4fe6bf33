"""Agents of the Junjo SDK with tools, over models that answer by a script: each way a run ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

from junjo import (
    Agent,
    AgentExecutionResult,
    AgentLimits,
    AgentRunContext,
    ModelDriverBinding,
    ModelDriverDescriptor,
    Node,
    Tool,
)
from junjo.agent.errors import AgentExecutionError, AgentInvocationError
from junjo.agent.testing import ScriptedError, ScriptedModelDriver
from pydantic import BaseModel

from tests.support.junjo_runs import JunjoRun, traced
from tests.support.junjo_workflows import Collect, Store, execute

USAGE = {"v": 1, "inputTokens": 3, "outputTokens": 5}
FINAL = {"v": 1, "type": "final_output", "output": "sunny", "usage": USAGE}


def calls(*named: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    """A response that asks for tools: an ID, a name and arguments each."""
    asked = [{"id": one, "name": name, "arguments": given} for one, name, given in named]
    return {"v": 1, "type": "tool_calls", "calls": asked, "usage": {"v": 1, "inputTokens": 7}}


class Place(BaseModel):
    city: str


async def weather(place: Place, context: AgentRunContext[Any]) -> str:
    return f"sunny in {place.city}"


async def broken(place: Place, context: AgentRunContext[Any]) -> str:
    raise RuntimeError("the station is closed")


async def stopping(place: Place, context: AgentRunContext[Any]) -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel("no more of it")
    await asyncio.sleep(0)
    return ""


async def flow(place: Place, context: AgentRunContext[Any]) -> str:
    """A tool that runs a workflow."""
    await execute(context.dependencies, Collect)
    return "it flowed"


TOOLS = {"weather": weather, "broken": broken, "stopping": stopping, "flow": flow}


def agent(steps: Sequence[Any], **limits: int) -> Agent[str, str, Any]:
    tools = [
        Tool(
            name=name,
            description=f"does {name}",
            input_type=Place,
            output_type=str,
            shared_service=service,
        )
        for name, service in TOOLS.items()
    ]
    return Agent(
        key="weather.agent",
        name="Weather",
        instructions="Say how it is.",
        input_type=str,
        model=ModelDriverBinding.shared(
            descriptor=ModelDriverDescriptor(driver_key="script", provider="none", model="m-1"),
            driver=ScriptedModelDriver(steps),
        ),
        tools=tools,
        output_type=str,
        limits=AgentLimits(**{"model_requests": 4, "tool_calls": 3, **limits}),
    )


def run_of(*steps: Any, given: Any = "how is it?", **limits: int) -> JunjoRun:
    """One run; its result is the SDK's, or the error that ended it."""

    async def run(states: dict[str, Any]) -> Any:
        try:
            return await agent(steps, **limits).execute(given, dependencies=states)
        except (AgentExecutionError, AgentInvocationError, asyncio.CancelledError) as error:
            return error

    return traced(run)


BERN = ("c1", "weather", {"city": "Bern"})


@cache
def ends() -> dict[str, JunjoRun]:
    """A run of each reason to end, by what makes it."""
    two = calls(BERN, ("c2", "weather", {"city": "Basel"}))
    return {
        "final_output": run_of(two, calls(("c3", "flow", {"city": "Chur"})), FINAL),
        "input_validation_error": run_of(given={"not": "text"}),
        "limit_exceeded": run_of(two, calls(BERN), tool_calls=1),
        "model_error": run_of(ScriptedError(RuntimeError("no model"))),
        "model_response_error": run_of({"v": 1, "type": "poem"}),
        "unknown_tool": run_of(calls(BERN, ("c2", "fly", {}))),
        "tool_input_validation_error": run_of(calls(("c2", "weather", {"town": 1}), BERN)),
        "tool_error": run_of(calls(BERN, ("c2", "broken", {"city": "Chur"}))),
        "output_validation_error": run_of({**FINAL, "output": 7}),
        "cancelled": run_of(calls(("c1", "stopping", {"city": "Bern"}), ("c2", *BERN[1:]))),
    }


class Ask(Node[Store]):
    async def service(self, store: Store) -> None:
        result: AgentExecutionResult[str] = await agent([calls(BERN), FINAL]).execute(
            "how?", dependencies=None
        )
        await store.change(items=(result.output,))


@cache
def in_a_workflow() -> JunjoRun:
    """An agent that a node of a workflow asks."""
    return traced(lambda states: execute(states, Collect, Ask))

"""What only Junjo's front end of 0.82 asks: evidence of a trace, runs of agents, one execution.

A refusal that the front end reads has its body; any other is problem details.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.junjo import span_20
from indexer.clients.junjo.evidence.ends import Outcome
from indexer.clients.junjo.evidence.runs import (
    ExecutableType,
    Identity,
    Resolution,
    RunFilter,
    ambiguity,
    resolution,
)
from indexer.clients.junjo.evidence.summaries import AgentSummary
from indexer.clients.junjo.evidence.trace import evidence_body
from indexer.clients.junjo.evidence.values import as_body
from indexer.clients.junjo.evidence_models import AmbiguousIdentity, NoRun, TraceEvidenceBody
from indexer.clients.junjo.evidence_search import PAGE_SPANS, find_executions, find_runs
from indexer.clients.junjo.traces import CHARS_MAX, TraceId
from indexer.clients.shared.answer_headers import HEADERS, respond_with_status
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.time_texts import BOUND_CHARS_MAX, TIME_WORDS, QuestionTimes
from indexer.errors import InvalidId
from indexer.query.answer import SpansAnswer
from indexer.query.deadline import Deadline
from indexer.query.span import Span
from indexer.query.trace_prefix import trace_by_text

RUNS_DEFAULT = 100
Text = Annotated[str | None, Query(max_length=CHARS_MAX)]
ServiceName = Annotated[str, Query(max_length=CHARS_MAX)]
Namespace = Annotated[str, Query(max_length=CHARS_MAX, description="Empty: of no namespace.")]
Time = Annotated[
    str | None,
    Query(max_length=BOUND_CHARS_MAX, description=TIME_WORDS),
]


def _answers(model: Any, **refusals: Any) -> dict[Any, Any]:
    said: dict[Any, Any] = {200: {"model": model, "headers": HEADERS}}
    return said | {int(code[1:]): {"model": one} for code, one in refusals.items()}


def evidence_routes(host: Host) -> APIRouter:
    """The router over one worker, without a prefix."""
    router = APIRouter()
    _trace(router, host)
    _runs(router, host)
    _execution(router, host)
    return router


def _trace(router: APIRouter, host: Host) -> None:
    @router.get("/api/v1/trace-evidence/{trace_id}", responses=_answers(TraceEvidenceBody))
    async def trace_evidence(request: Request, trace_id: TraceId) -> Response:
        """The spans of a trace, and what they prove: executables, states, calls. Or 404."""
        bodies: list[Mapping[str, Any]] = []

        def found(deadline: Deadline) -> SpansAnswer:
            answer = _spans_of(host, trace_id, deadline)
            made = [span_20.body(one) for one in answer.spans]
            bodies.extend(one.fields for one in made)
            return replace(answer, altered=tuple(one.altered for one in made))

        def body(answer: SpansAnswer) -> tuple[int, bytes]:
            return 200, as_json(evidence_body(str(answer.trace_id), answer.spans, bodies))

        return await respond_with_status(request, found, body)


def _runs(router: APIRouter, host: Host) -> None:
    async def wanted(
        service_name: ServiceName,
        service_namespace: Namespace = "",
        agent_key: Text = None,
        structural_id: Text = None,
        service_version: Text = None,
        outcome: Outcome | None = None,
        start_time: Time = None,
        end_time: Time = None,
    ) -> RunFilter:
        return RunFilter(
            service_namespace=service_namespace,
            service_name=service_name,
            agent_key=agent_key,
            structural_id=structural_id,
            service_version=service_version,
            outcome=outcome,
            starts_unix_nano=QuestionTimes().unix_nano(start_time),
            ends_unix_nano=QuestionTimes().unix_nano(end_time),
        )

    responses = _answers(list[AgentSummary], _409=NoRun)

    @router.get("/api/v1/agent-executions", responses=responses)
    async def agent_executions(
        request: Request,
        of: Annotated[RunFilter, Depends(wanted)],
        limit: Annotated[int, Query(ge=1, le=PAGE_SPANS)] = RUNS_DEFAULT,
    ) -> Response:
        """Runs of agents of a service, newest first; 409 where none of them can be shown."""
        said: list[tuple[int, bytes]] = []

        def found(deadline: Deadline) -> SpansAnswer:
            listed = find_runs(host.answers, of, limit, deadline)
            refusal = listed.runs.refusal
            body = [as_body(one) for one in listed.runs.summaries] if refusal is None else refusal
            said.append((200 if refusal is None else 409, as_json(body)))
            return listed.answer

        return await respond_with_status(request, found, lambda _: said[0])


def _execution(router: APIRouter, host: Host) -> None:
    responses = _answers(Resolution, _409=AmbiguousIdentity)

    @router.get("/api/v1/execution-resolution", responses=responses)
    async def execution_resolution(
        request: Request,
        service_name: ServiceName,
        executable_type: ExecutableType,
        runtime_id: Annotated[str, Query(min_length=1, max_length=CHARS_MAX)],
        service_namespace: Namespace = "",
    ) -> Response:
        """Where an execution is; 404 while its span has not come, 409 where several match."""
        identity = Identity(
            service_namespace=service_namespace,
            service_name=service_name,
            executable_type=executable_type,
            runtime_id=runtime_id,
        )
        said: list[tuple[int, bytes]] = []

        def found(deadline: Deadline) -> SpansAnswer:
            executions = find_executions(host.answers, identity, deadline)
            said.append(_resolved(identity, executions.spans))
            return executions.answer

        return await respond_with_status(request, found, lambda _: said[0])


def _spans_of(host: Host, trace_id: str, deadline: Deadline) -> SpansAnswer:
    """Raises HTTPException for an ID that no trace has."""
    try:
        answer = trace_by_text(host.answers, trace_id, deadline)
    except InvalidId:
        raise HTTPException(404, "no trace has this ID") from None
    if not answer.spans:
        raise HTTPException(404, "no trace has this ID")
    return answer


def _resolved(identity: Identity, matches: list[Span]) -> tuple[int, bytes]:
    if not matches:
        raise HTTPException(404, "no execution with this identity has come yet")
    if len(matches) > 1:
        return 409, as_json(ambiguity(matches))
    return 200, as_json(as_body(resolution(identity, matches[0])))

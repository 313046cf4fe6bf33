"""The changes of a workflow's state, as rows of Junjo's table ``state_patches``."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.junjo.models import JunjoStatePatch
from indexer.clients.junjo.spans import WORKFLOW_TYPES, junjo_span, state_patches_of
from indexer.clients.junjo.traces import CHARS_MAX, TraceId, respond_trace
from indexer.clients.shared.answer_headers import HEADERS
from indexer.clients.shared.json_text import as_json
from indexer.query.answer import SpansAnswer

WorkflowId = Annotated[str, Path(max_length=CHARS_MAX)]
_PATCHES: dict[str, Any] = {
    "responses": {200: {"model": list[JunjoStatePatch], "headers": HEADERS}}
}


def state_patches(host: Host) -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/otel/trace/{trace_id}/state_patches", **_PATCHES)
    async def patches(request: Request, trace_id: TraceId) -> Response:
        """The changes of state in the trace, in order of time."""
        return await respond_trace(host, request, _in_order, trace_id)

    @router.get("/otel/trace/{trace_id}/workflow/{workflow_id:text}/state_patches", **_PATCHES)
    async def workflow_patches(
        request: Request, trace_id: TraceId, workflow_id: WorkflowId
    ) -> Response:
        """The changes of the state of one workflow or subflow, by its `junjo_id`."""
        return await respond_trace(host, request, partial(_of_workflow, workflow_id), trace_id)

    return router


def _in_order(answer: SpansAnswer) -> bytes:
    return as_json(state_patches_of(answer.spans))


def _of_workflow(workflow_id: str, answer: SpansAnswer) -> bytes:
    """A workflow's own patches, and those that other spans made to its store."""
    flows = [
        one
        for one in map(junjo_span, answer.spans)
        if one["junjo_span_type"] in WORKFLOW_TYPES and one["junjo_id"] == workflow_id
    ]
    stores = {one["junjo_wf_store_id"] for one in flows} - {""}
    own = {one["span_id"] for one in flows}
    return as_json(
        [
            patch
            for patch in state_patches_of(answer.spans)
            if patch["patch_store_id"] in stores
            or (patch["span_id"] in own and not patch["patch_store_id"])
        ]
    )

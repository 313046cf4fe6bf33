"""What Mastra's platform exporter sends: spans into the store, other signals as they are."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import APIRouter
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from indexer.clients.mastra.door import MastraDoor
from indexer.clients.mastra.exported_spans import span_record
from indexer.clients.shared.query_executor import ask
from indexer.deferred_dataclass import dataclass
from indexer.errors import CatalogWriteFailed, InvalidMastraCall
from indexer.http.bodies import collect
from indexer.http.problems import of_error
from indexer.mastra.error_ids import invalid_arguments

BODY_BYTES_MAX = 32 << 20
"""Of one batch: the exporter sends up to a thousand spans, each with its input and output."""
PATH_ENDING = "/publish"
"""Of paths whose requests may have such a body."""
PAUSE_S = 60
"""How long exporters pause while nothing can be stored: a full disk is not free sooner."""
_REASONS_MAX = 10
"""Of rejected records in an answer."""
Sent = Literal["spans", "logs", "metrics", "scores", "feedback"]


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a batch."""

    accepted: int
    rejected: int
    reasons: list[str]


def publish_routes(router: APIRouter, door: MastraDoor) -> None:
    """Add the routes that exporters call."""

    @router.post("/ai/{signal}/publish")
    @router.post("/projects/{project_id}/ai/{signal}/publish")
    async def publish(request: Request, signal: Sent) -> Response:
        """Store a batch; an empty one asks whether the service is there.

        Records that are invalid are counted with a reason, and do not keep others out.
        """
        with door.bodies.reservation() as held:
            body = await collect(request, held, BODY_BYTES_MAX)
            held.grow(3 * len(body))  # parsed, and as columns
            try:
                done = await ask(request, lambda _: _stored(door, signal, body))
            except CatalogWriteFailed as error:
                return _pausing(error)
        return JSONResponse(
            {
                "success": True,
                "accepted": done.accepted,
                "rejected": done.rejected,
                "errors": done.reasons,
            }
        )


def _stored(door: MastraDoor, signal: Sent, body: bytes) -> Published:
    records = _records(signal, body)
    good = [record for record in records if isinstance(record, Mapping)]
    reasons = ["expected an object"] * (len(records) - len(good))
    spans = door.store.observability
    if signal == "spans":
        done = spans.batch_create_valid_spans([span_record(record) for record in good])
        reasons += done
    else:
        spans.batch_create_signals(signal, good)
    rejected = len(reasons)
    return Published(len(records) - rejected, rejected, reasons[:_REASONS_MAX])


def _records(signal: Sent, body: bytes) -> list[Any]:
    try:
        content = from_json(body)
    except ValueError:
        content = _lenient(body)
    found = content.get(signal) if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise InvalidMastraCall(
            f"expected a JSON object with a list of {signal}",
            error_id=invalid_arguments("PUBLISH"),
        )
    return found


def _lenient(body: bytes) -> Any:
    """JSON with what the quick reader refuses: halves of surrogate pairs, and deep nesting."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _pausing(error: CatalogWriteFailed) -> Response:
    """The refusal that makes an exporter wait, and not try three times and drop its batch."""
    answer = of_error(error)
    answer.headers["x-mastra-observability"] = "disabled"
    answer.headers["x-mastra-observability-retry-after"] = str(PAUSE_S)
    return answer

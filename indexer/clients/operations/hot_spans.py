"""Hot and published spans for commands that run SQL: of one moment, given column by column.

A command asks what is hot, then has the catalog copied, and only then knows which columns its
question reads. What it was told about is held here meanwhile. Between a command and the worker of
one installation, and so in no description of the routes for others.
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.shared.answer_json import completeness_json, missing_json
from indexer.clients.shared.callers import operators_only
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.query_executor import ask
from indexer.clients.shared.time_limits import ACTION_S
from indexer.deferred_dataclass import dataclass
from indexer.errors import HotUnavailable
from indexer.query.deadline import Deadline
from indexer.query.tiers.published_payload import PublishedColumns
from indexer.system.clock import Clock, SystemClock

HELD_MAX = 8
"""Tables of commands that run at once, two each. Most of their memory is that of the hot tier
itself."""
HELD_S = ACTION_S
"""After its last column; a command gives its table back when it ends."""
MEDIA_TYPE = "application/vnd.apache.arrow.stream"

Handle = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Columns = Annotated[str, Query(max_length=4_096, description="Names, with commas between.")]


@dataclass(slots=True)
class _Held:
    table: pa.Table | PublishedColumns
    used_s: float


class HeldTables:
    """Tables by handle, the one that was used last at the end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._lock = Lock()

    def hold(self, table: pa.Table | PublishedColumns) -> str:
        """Its handle; of too many tables the one that was not used for longest goes."""
        handle = secrets.token_hex(16)
        with self._lock:
            self._drop_old()
            self._held[handle] = _Held(table, self._clock.monotonic_s())
            while len(self._held) > HELD_MAX:
                self._held.popitem(last=False)
        return handle

    def columns(self, handle: str, names: Sequence[str]) -> pa.Table:
        """Those of the columns that there are. Raises HotUnavailable for one that is gone."""
        with self._lock:
            self._drop_old()
            held = self._held.get(handle)
            if held is None:
                raise HotUnavailable("the hot spans of this question are not held any more")
            held.used_s = self._clock.monotonic_s()
            self._held.move_to_end(handle)
        table: pa.Table = held.table.select(
            [name for name in names if name in held.table.column_names]
        )
        return table

    def release(self, handle: str) -> None:
        """Nobody asks for it any more."""
        with self._lock:
            self._held.pop(handle, None)

    def _drop_old(self) -> None:
        old = self._clock.monotonic_s() - HELD_S
        for handle in [one for one, held in self._held.items() if held.used_s < old]:
            del self._held[handle]


def hot_spans(host: Host) -> APIRouter:
    """The routes."""
    router = APIRouter(dependencies=[Depends(operators_only)], include_in_schema=False)
    held = HeldTables(SystemClock())

    @router.post("/hot-spans")
    async def begin(request: Request) -> Response:
        """What is beside the index now; handles of hot and of published spans, or null."""
        content = await ask(request, lambda deadline: as_json(_beside(host, held, deadline)))
        return Response(content, media_type="application/json")

    @router.get("/hot-spans/{handle}")
    async def columns(request: Request, handle: Handle, columns: Columns) -> Response:
        """Columns of them as a stream of Arrow."""
        names = columns.split(",")
        content = await ask(request, lambda _: _stream(held.columns(handle, names)))
        return Response(content, media_type=MEDIA_TYPE)

    @router.delete("/hot-spans/{handle}")
    async def end(handle: Handle) -> dict[str, str]:
        """They are not asked for any more."""
        held.release(handle)
        return {}

    return router


def _beside(host: Host, held: HeldTables, deadline: Deadline) -> dict[str, Any]:
    answer = host.answers.index_alone(deadline)
    table, published = answer.hot_spans, answer.published
    handle = None
    if published is not None and published.table.num_rows:
        handle = held.hold(PublishedColumns(published))
    return {
        **completeness_json(answer.with_unindexed),
        "missing_in_index": [missing_json(one) for one in answer.completeness.missing],
        "handle": held.hold(table) if table is not None and table.num_rows else None,
        "published": handle,
    }


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content

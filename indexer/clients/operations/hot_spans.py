"""Hot and published spans for commands that run SQL: of one moment, with payload by the column.

A command asks what is hot, opens the copy of the catalog that it is told of, and only then knows
which columns its question reads. What hot spans are is in files that it maps; the rest is held here
meanwhile. Between a command and the worker of one installation, which are of one user, and so in no
description of the routes for others.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path as FilePath
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from indexer.clients.host import Host
from indexer.clients.operations.handed_files import HandedFiles
from indexer.clients.operations.held_tables import HELD_S, HeldTables
from indexer.clients.shared.answer_json import completeness_json, missing_json
from indexer.clients.shared.callers import operators_only
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.query_executor import ask, wait_for_answer
from indexer.clients.shared.time_limits import ACTION_S
from indexer.errors import IndexerError
from indexer.query.answer import IndexAnswer
from indexer.query.deadline import Deadline
from indexer.query.hot_handover import HotHandover, large_parts
from indexer.query.tiers.published_payload import PublishedColumns
from indexer.system.clock import SystemClock

COLUMNS_TYPE = "application/vnd.apache.arrow.stream"
LINES_TYPE = "application/x-ndjson"

Handle = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Names = Annotated[str, Query(max_length=4_096, description="Names, with commas between.")]


def hot_spans(host: Host) -> APIRouter:
    """The routes."""
    router = APIRouter(dependencies=[Depends(operators_only)], include_in_schema=False)
    held, files = HeldTables(SystemClock()), HandedFiles()

    def drop_later() -> None:
        """A command that was killed gives nothing back, and no other may come for long."""
        asyncio.get_running_loop().call_later(HELD_S + 1, held.drop_old)

    async def copied(request: Request) -> FilePath:
        return await wait_for_answer(request, asyncio.ensure_future(host.snapshot()), ACTION_S)

    @router.post("/hot-spans")
    async def begin(request: Request) -> Response:
        """What is beside the index now, and a copy of the catalog that is not older, as one line.

        A second one, where there are hot spans, says where they are: the command opens the copy
        meanwhile.
        """
        said = await ask(request, host.answers.index_alone)
        catalog = await copied(request)
        first = _first_line(said, catalog, held)
        drop_later()

        async def lines() -> AsyncIterator[bytes]:
            yield as_json(first) + b"\n"
            if said.hot is not None:
                more = partial(_second_line, said.hot, host, held, files, first["hot"], catalog)
                yield as_json(await _answer_or_problem(request, more)) + b"\n"

        return StreamingResponse(lines(), media_type=LINES_TYPE)

    @router.get("/hot-spans/{handle}")
    async def columns(request: Request, handle: Handle, columns: Names) -> Response:
        """Columns of them as a stream of Arrow."""
        names = columns.split(",")
        drop_later()
        content = await ask(request, lambda _: _stream(held.columns(handle, names)))
        return Response(content, media_type=COLUMNS_TYPE)

    @router.delete("/hot-spans/{handle}")
    async def end(handle: Handle) -> dict[str, str]:
        """They are not asked for any more."""
        held.release(handle)
        return {}

    return router


def _first_line(said: IndexAnswer, catalog: FilePath, held: HeldTables) -> dict[str, Any]:
    published = None
    if said.published is not None and said.published.table.num_rows:
        of_store = PublishedColumns(said.published)
        published = held.hold(lambda: of_store)
    return {
        **completeness_json(said.with_unindexed),
        "missing_in_index": [missing_json(one) for one in said.completeness.missing],
        "catalog": str(catalog),
        "hot": None if said.hot is None else held.hold(said.hot.table),
        "published": published,
    }


async def _answer_or_problem(
    request: Request, question: Callable[[Deadline], dict[str, Any]]
) -> dict[str, Any]:
    """The status of the answer has been sent, so that a refusal is said in a line.

    A command that is not there any more has it cancelled.
    """
    try:
        return await ask(request, question)
    except IndexerError as error:
        return {"problem": error.message}


def _second_line(
    hot: HotHandover,
    host: Host,
    held: HeldTables,
    files: HandedFiles,
    handle: str,
    catalog: FilePath,
    deadline: Deadline,
) -> dict[str, Any]:
    """Files with the hot spans, and what is known of them. Raises IndexerError."""
    parts = hot.metadata()
    given = [(files.file(part, catalog.parent), part.row_count) for part in large_parts(parts)]
    held.keep_files(handle, [file for file, _ in given])
    is_apart = False
    with suppress(IndexerError):  # a catalog that is reopened: the command finds out by itself
        is_apart = host.current_copy == catalog and host.answers.are_apart(parts, catalog, deadline)
    is_of_copy = host.current_copy == catalog  # it was when that began: the index read was this one
    return {
        "parts": [[str(file.path), row_count] for file, row_count in given],
        "lacking_in": str(catalog) if is_apart and is_of_copy else None,
    }


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content

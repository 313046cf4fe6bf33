"""New spans as they are acknowledged, as server-sent events to whoever follows.

One task looks for them while somebody does, and hands each stream the spans that meet its words. It
rests at least twice as long as it worked.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from indexer.clients.host import Host
from indexer.clients.shared.answer_json import missing_json, span_json
from indexer.clients.shared.event_streams import (
    MEDIA_TYPE,
    EventResponse,
    EventStream,
    EventStreams,
    event,
)
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.search_words import TailWords
from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError
from indexer.http.problems import of_fault
from indexer.query.find.span_query import SpanQuery
from indexer.query.missing import Missing
from indexer.query.new_spans import NewSpans, SpanFollower

LOOK_EVERY_S = 0.25
"""Between two looks: a person sees no sooner."""
REST = 2.0
"""Times as long as a look took: answers need the processor too."""
_EVENTS: dict[str, Any] = {
    "responses": {
        200: {
            "description": "Events `open`, `span`, `missing`, `dropped` and `end`.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        }
    },
    "response_class": StreamingResponse,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    stream: EventStream
    query: SpanQuery


class Tail:
    """Who follows, and the one task that looks for all of them."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._readers: dict[EventStream, _Reader] = {}
        self._follower: SpanFollower | None = None
        self._looking: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def begin(self, stream: EventStream, query: SpanQuery) -> None:
        """Look once, so that what comes later is new to the stream. Raises IndexerError."""
        async with self._lock:
            if self._follower is None:
                self._follower = SpanFollower(self._host.answers)
            found = await asyncio.to_thread(self._look, self._follower)
            self._readers[stream] = _Reader(stream, query)
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look_on())
        stream.offer([event("open", as_json({"as_of": found.as_of_unix_nano}))])

    def leave(self, stream: EventStream) -> None:
        """Its reader has gone."""
        self._readers.pop(stream, None)

    async def _look_on(self) -> None:
        while self._readers:
            began_s = time.monotonic()
            async with self._lock:
                if self._follower is not None:
                    await asyncio.to_thread(self._look_for_readers, self._follower)
            await asyncio.sleep(max(LOOK_EVERY_S, REST * (time.monotonic() - began_s)))
        self._follower = None

    def _look_for_readers(self, follower: SpanFollower) -> None:
        try:
            self._look(follower)
        except IndexerError as error:
            for reader in list(self._readers.values()):
                reader.stream.offer(_missing_events([Missing.of_error(error)]))
        except Exception as fault:  # noqa: BLE001 - logged, and every reader is told that it ends
            of_fault("GET", "/api/v1/tail", fault)
            for reader in list(self._readers.values()):
                reader.stream.end("the service hit an internal error")

    def _look(self, follower: SpanFollower) -> NewSpans:
        """One look, for those who follow already. Raises IndexerError."""
        found = follower.look()
        for reader in list(self._readers.values()):
            _hand_on(found, reader)
        return found


def tail(router: APIRouter, host: Host) -> None:
    """Add the route."""
    following = Tail(host)

    @router.get("/tail", **_EVENTS)
    async def tail_spans(request: Request, words: Annotated[TailWords, Query()]) -> Response:
        """New spans that meet every word, whole, as soon as they are acknowledged.

        A stream of server-sent events: `open` with `as_of`, then a `span` each. `dropped` counts
        what a slow reader had no room for, `missing` says what could not be looked into, `end` why
        the stream ends. A comment is sent when nothing else was for 15 s.
        """
        streams: EventStreams = request.app.state.streams
        with ExitStack() as stack:
            stream = stack.enter_context(streams.opened())
            await following.begin(stream, words.query())
            stack.callback(following.leave, stream)
            return EventResponse(stream, stack.pop_all().close)


def _hand_on(found: NewSpans, reader: _Reader) -> None:
    """The newest spans that there is room for; the others are counted."""
    spans, missing = found.matching(reader.query)
    room = reader.stream.room
    kept = spans[len(spans) - room :] if len(spans) > room else spans
    try:
        whole = found.with_payload(kept)
    except IndexerError as error:
        whole, missing = kept, (*missing, Missing.of_error(error))
    events = [event("span", as_json(span_json(span))) for span in whole]
    events += _missing_events([*found.missing, *missing])
    if events or len(spans) > len(kept):
        reader.stream.offer(events, len(spans) - len(kept))


def _missing_events(missing: Sequence[Missing]) -> list[bytes]:
    return [event("missing", as_json(missing_json(one))) for one in missing]

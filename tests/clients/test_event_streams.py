"""A stream of events holds what its reader has room for, counts the rest, and ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from indexer.clients.shared import event_streams
from indexer.clients.shared.event_streams import EVENTS_MAX, EventStream, EventStreams, event
from indexer.errors import QueriesBusy

Act = Callable[[EventStream], None]


def read(*acts: Act, heartbeat_s: float = 30.0, parts: int = 1_000) -> list[bytes]:
    """What a reader is sent who comes after all this has happened."""

    async def reading() -> list[bytes]:
        stream = EventStream(asyncio.get_running_loop())
        for act in acts:
            act(stream)
        found = []
        async for part in stream.content(heartbeat_s=heartbeat_s):
            found.append(part)
            if len(found) == parts:
                break
        return found

    return asyncio.run(reading())


def end(stream: EventStream) -> None:
    stream.end("that is all")


END = b'event: end\ndata: {"reason":"that is all"}\n\n'


def test_events_come_in_their_order_before_the_end() -> None:
    events = [event("span", b"%d" % number) for number in range(100)]
    assert b"".join(read(lambda one: one.offer(events), end)) == b"".join(events) + END


def test_what_has_no_room_is_counted_after_what_has() -> None:
    some = [event("span", b"1")] * (EVENTS_MAX + 3)
    content = b"".join(read(lambda one: one.offer(some, dropped=4), end))
    assert content.count(b"event: span") == EVENTS_MAX
    assert content.endswith(b'event: dropped\ndata: {"events":7}\n\n' + END)


def test_room_is_counted_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "BYTES_MAX", 50)
    some = [event("span", b"x" * 20)] * 3
    content = b"".join(read(lambda one: one.offer(some), end))
    assert content.count(b"event: span") == 1
    assert b'"events":2' in content


def test_a_silent_stream_says_that_it_is_alive() -> None:
    assert read(heartbeat_s=0.0, parts=2) == [b": nothing new\n\n"] * 2


def test_what_another_thread_offers_wakes_the_reader() -> None:
    async def reading() -> bytes:
        stream = EventStream(asyncio.get_running_loop())
        content = stream.content()
        waiting = asyncio.ensure_future(anext(content))
        await asyncio.to_thread(stream.offer, [event("span", b"1")])
        return await waiting

    assert asyncio.run(reading()) == event("span", b"1")


def test_streams_are_counted_and_ended_together() -> None:
    async def opening() -> bytes:
        streams = EventStreams(most=1)
        with streams.opened() as stream:
            assert (streams.usage.in_use, streams.usage.limit) == (1, 1)
            with pytest.raises(QueriesBusy), streams.opened():
                pass
            streams.close()
            content = b"".join([part async for part in stream.content()])
        assert streams.usage.in_use == 0
        with pytest.raises(QueriesBusy), streams.opened():
            pass
        return content

    assert b"the service is stopping" in asyncio.run(opening())

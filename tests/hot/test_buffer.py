"""After a refresh the buffer holds exactly what is unflushed, whatever happened before."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from indexer.hot import buffer as buffer_module
from indexer.hot.buffer import HotBuffer
from indexer.hot.decoding import Decoder
from indexer.otlp.spans import span_table
from indexer.query.tiers.hot_spans import hot_columns
from indexer.wire.generated import ingestion_pb2 as wire
from tests.hot.servers import GARBAGE, Wal, key
from tests.support.examples import examples
from tests.support.span_files import Span


def refresh(buffer: HotBuffer, wal: Wal, *, per_message: int = 2, messages: int | None = None):
    """One answer, or its first messages alone."""
    request = wire.ReadHotRequest(after_key=buffer.newest_key, wal_id=buffer.wal_id)
    answer = wal.answer(request, per_message)
    buffer.begin()
    for message in answer[:messages]:
        buffer.add(message.requests)
        if message.HasField("state"):
            buffer.finish(message.state)


def held(buffer: HotBuffer) -> list[int]:
    return _numbers(buffer.rows().table())


def held_of(buffer: HotBuffer, trace: int) -> list[int]:
    """Of one trace, by either way; it decodes nothing else."""
    rows = buffer.rows()
    few = rows.few(f"{trace:032x}", may_wait=True)
    assert few is not None
    found = _numbers(rows.trace(f"{trace:032x}"))
    assert found == [int(row["span_id"], 16) for row in few]
    return found


def held_metadata(buffer: HotBuffer) -> list[int]:
    """The spans by what they are alone, in the order of their rows."""
    found: list[tuple[int, int]] = []
    first = 0
    for part in buffer.rows().metadata(hot_columns):
        rows = part.columns.row.tolist()
        found += zip((first + row for row in rows), part.columns.span_id.tolist(), strict=True)
        first += part.row_count
    assert sorted(row for row, _ in found) == list(range(first))
    return [span for _, span in sorted(found)]


def _numbers(table: pa.Table) -> list[int]:
    return [int(text, 16) for text in table["span_id"].to_pylist()]


def garbage_of(wal: Wal) -> list[bytes]:
    return [at for at, stored, _ in wal.requests if stored == GARBAGE]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 3)),
        st.tuples(st.just("garbage"), st.just(0)),
        st.tuples(st.just("flush"), st.integers(0, 6)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("refresh"), st.integers(1, 3)),
        st.tuples(st.just("decode"), st.just(0)),
        st.tuples(st.just("break"), st.integers(0, 3)),
    ),
    max_size=40,
)


@examples(50, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_it_follows_any_log(steps: list[tuple[str, int]]) -> None:
    """Appends, flushes, restarts and broken answers in any order; garbage has no rows."""
    wal, buffer, number, log = Wal(), HotBuffer(Decoder(), bytes_max=1 << 30), 0, 1
    unflushed: dict[bytes, list[int]] = {}
    for step, argument in [*steps, ("refresh", 2)]:
        if step == "append":
            ids = list(range(number + 1, number + argument + 1))
            number += argument
            unflushed[wal.append(*(Span(span=one, trace=1 + one % 2) for one in ids))] = ids
        elif step == "garbage":
            unflushed[wal.append(raw=GARBAGE)] = []
        elif step == "flush":
            upto = key(max(0, int.from_bytes(wal.newest, "big") - argument))
            wal.flush(upto=upto)
            unflushed = {at: ids for at, ids in unflushed.items() if at > upto}
        elif step == "restart":
            log += 1
            wal.restart(f"log-{log}")
            unflushed = {}
        elif step == "decode":
            buffer.rows().table()
        elif step == "break":
            refresh(buffer, wal, per_message=1, messages=argument)
        else:
            refresh(buffer, wal, per_message=argument)
            assert bool(buffer.problems) == bool(garbage_of(wal))
            expected = [one for ids in unflushed.values() for one in ids]
            assert held_metadata(buffer) == expected
            for trace in (1, 2, 3):
                assert held_of(buffer, trace) == [one for one in expected if 1 + one % 2 == trace]
    assert held(buffer) == held_metadata(buffer) == expected
    assert bool(buffer.problems) == bool(garbage_of(wal))


def test_requests_of_one_message_are_flushed_one_after_the_other() -> None:
    wal, buffer = Wal(), HotBuffer(Decoder(), bytes_max=1 << 30)
    for number in range(1, 10, 2):
        wal.append(Span(span=number), Span(span=number + 1))
    for flushed in range(6):
        wal.flush(upto=key(flushed))
        refresh(buffer, wal, per_message=5)
        assert held(buffer) == list(range(2 * flushed + 1, 11))


def test_the_table_is_made_once_between_two_changes() -> None:
    wal, buffer = Wal(), HotBuffer(Decoder(), bytes_max=1 << 30)
    wal.append(Span())
    refresh(buffer, wal)
    assert buffer.rows().table() is buffer.rows().table()


def test_a_full_buffer_keeps_the_oldest_and_says_what_it_leaves_out() -> None:
    """It goes on where it stopped once there is room."""
    wal, buffer = Wal(), HotBuffer(Decoder(), bytes_max=3_000)
    for number in range(1, 11):
        wal.append(Span(span=number, name="x" * 500))
    refresh(buffer, wal, per_message=1)
    kept = held(buffer)
    assert kept == list(range(1, len(kept) + 1))
    assert 0 < len(kept) < 10
    assert buffer.problems == (f"hot buffer full: {10 - len(kept)} export requests are left out",)
    assert buffer.nbytes <= 3_000
    wal.flush(upto=key(9))
    refresh(buffer, wal, per_message=1)
    refresh(buffer, wal, per_message=1)
    assert held(buffer) == [10]
    assert buffer.problems == ()


def test_many_small_answers_leave_few_chunks() -> None:
    wal, buffer = Wal(), HotBuffer(Decoder(), bytes_max=1 << 30)
    for number in range(1, 101):
        wal.append(Span(span=number))
        refresh(buffer, wal)
        assert held(buffer) == list(range(1, number + 1))
    assert buffer.rows().table()["span_id"].num_chunks < 10


@pytest.mark.parametrize("counts", [(0, 0), (9, 1), (1, 2)])
def test_span_counts_that_are_wrong_do_not_mix_requests_up(counts: tuple[int, int]) -> None:
    """Unless their sum is right, each request is decoded by itself."""
    wal, buffer = Wal(), HotBuffer(Decoder(), bytes_max=1 << 30)
    wal.append(Span(span=1), Span(span=2), Span(span=3))
    wal.append(Span(span=4))
    wal.requests = [
        (at, stored, count) for (at, stored, _), count in zip(wal.requests, counts, strict=True)
    ]
    refresh(buffer, wal)
    wal.flush(upto=key(1))
    refresh(buffer, wal)
    assert held(buffer) == [4]


def test_what_waits_undecoded_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it the oldest are decoded as they come, and nothing else is."""
    monkeypatch.setattr(buffer_module, "UNDECODED_BYTES_MAX", 1_000)
    given: list[int] = []

    def requests(bodies: Iterable[bytes]) -> pa.Table:
        found = span_table(bodies)
        given.extend(_numbers(found))
        return found

    wal, buffer = Wal(), HotBuffer(Decoder(requests=requests), bytes_max=1 << 30)
    for number in range(1, 11):
        wal.append(Span(span=number, name="x" * 250))
    refresh(buffer, wal, per_message=1)
    assert given == list(range(1, 9))
    assert held(buffer) == list(range(1, 11))
    assert given == list(range(1, 11))


def test_while_nobody_asks_nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer_module, "UNDECODED_BYTES_MAX", 0)
    given: list[int] = []
    asked: list[bool] = []

    def requests(bodies: Iterable[bytes]) -> pa.Table:
        found = span_table(bodies)
        given.extend(_numbers(found))
        return found

    decoder = Decoder(requests=requests)
    wal, buffer = Wal(), HotBuffer(decoder, bytes_max=1 << 30, is_asked=lambda: bool(asked))
    wal.append(Span(span=1))
    refresh(buffer, wal)
    assert given == []
    asked.append(True)
    wal.append(Span(span=2))
    refresh(buffer, wal)
    assert given == [1, 2]


def test_nothing_of_what_was_flushed_is_held_for_who_asks_next() -> None:
    """Nobody may ask for a long time: what was joined of it goes, and what it was joined of."""
    wal, buffer = Wal(), HotBuffer(Decoder(), bytes_max=1 << 20)
    for number in range(1, 4):
        wal.append(Span(span=number))
        refresh(buffer, wal)
        held_metadata(buffer)
    parts = [weakref.ref(part) for part in buffer.rows().metadata(hot_columns)]
    requests = [weakref.ref(part) for part in buffer._parts]
    wal.flush()
    refresh(buffer, wal)
    gc.collect()
    assert [one() for one in (*parts, *requests)] == [None] * (len(parts) + len(requests))

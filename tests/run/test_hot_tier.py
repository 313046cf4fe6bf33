"""The ingestion service is asked when somebody asks, and as often as the worker itself needs."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace

import pyarrow as pa
import pytest

from indexer.errors import HotUnavailable
from indexer.hot.view import DecodedRows, HotOutline, HotView
from indexer.run import hot_tier as module
from indexer.run.hot_demand import KEEP_UP_FOR_S
from indexer.run.hot_tier import FOLLOW_EVERY_S, KEEP_UP_EVERY_S, HotTier
from indexer.settings import load_settings
from indexer.spans.identity import SpanKeys
from tests.support.fake_clock import FakeClock

EVERY_S = 20.0
PATIENCE_S = 100.0

TRACE_ID, SPAN_ID = "1" * 32, "2" * 16


class Source:
    """A service of one generation, with so many hot spans."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.spans = 0
        self.asked = 0
        self.outlined = 0
        self.confirmed = []
        self.problem = ""
        self.counts_changes = False
        self.seen = -1

    def now(self):
        self.asked += 1
        self.seen = self.spans
        if self.problem:
            raise HotUnavailable(self.problem)
        ids = {"trace_id": [TRACE_ID] * self.spans, "span_id": [SPAN_ID] * self.spans}
        texts = pa.schema([(name, pa.string()) for name in ids])
        rows = DecodedRows(pa.table(ids, texts))
        return HotView(
            rows=rows,
            as_of_unix_nano=0,
            recent_files=("/a.parquet",),
            source=self.chosen,
            bounded=False,
        )

    def outline(self, *, with_sample):
        self.outlined += 1
        if self.problem:
            raise HotUnavailable(self.problem)
        return HotOutline(
            wal_id="log",
            newest_key=b"1",
            flushed_key=b"0",
            span_count=self.spans,
            recent_files=("/a.parquet",),
            bounded=False,
            sample=SpanKeys.empty(),
            sampled_key=b"",
        )

    def unchanged(self):
        """Where it counts its changes: nothing came since it was asked last."""
        return "a view" if self.counts_changes and self.spans == self.seen else None

    @property
    def looks(self):
        return self.asked + self.outlined

    def confirm(self, paths):
        self.confirmed += paths

    def close(self):
        pass


@pytest.fixture(params=["incremental", "snapshot", "stream"])
def source(request):
    return Source(request.param)


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def hot(source, clock, monkeypatch):
    monkeypatch.setattr(module, "HotSource", lambda *_, **__: source)
    monkeypatch.setattr(module, "key_numbers", lambda _: {})
    monkeypatch.setattr(module, "known_files", lambda *_: lambda _: True)
    none = SimpleNamespace(find=lambda *_: None, is_due=False, count=0, traces=())
    monkeypatch.setattr(module, "LostSpans", lambda _: none)
    settings = load_settings(INGESTION_GRPC_HOST="host", INDEXER_HOT_FOLLOW_INTERVAL=str(EVERY_S))
    return HotTier(settings, clock)


def reading():
    return nullcontext()


def test_no_listing_makes_up_for_a_stream(hot, source):
    """Services that stream have removed spans from their log before the file had its name."""
    named = []
    hot._find_new_files = lambda paths: named.append(paths) or ()
    assert hot.ask().source == source.chosen
    assert named == ([("/a.parquet",)] if source.chosen == "snapshot" else [])


def test_while_nobody_asks_it_looks_at_its_own_interval(hot, source):
    """Spans arrive all the time, and files are confirmed at each look where that is a word."""
    for look in range(3):
        source.spans += 100
        assert hot.follow(reading) == EVERY_S
        assert source.looks == look + 1
        assert hot.status()["spans"] == source.spans
    is_cheap = source.chosen == "incremental"
    assert bool(source.confirmed) == is_cheap
    assert source.asked == (0 if is_cheap else 3), "no spans are loaded that nobody asks for"


def test_after_a_question_for_one_trace_nothing_is_decoded(hot, source, monkeypatch):
    """What came is asked for, so that the next question has less to ask for."""
    decoded = []
    monkeypatch.setattr(DecodedRows, "table", lambda rows: decoded.append(1) or rows.rows)
    hot.ask().trace(TRACE_ID)
    source.spans += 100
    expected = FOLLOW_EVERY_S if source.chosen == "incremental" else EVERY_S
    assert (hot.follow(reading), hot.follow(reading), decoded) == (expected, expected, [])


def test_it_keeps_up_after_a_list_where_a_look_is_cheap(hot, source, clock):
    """The others make the service write its log as a file, or send all of it, each time."""
    hot.follow(reading)
    assert hot.ask().table.num_rows == 0
    source.spans += 100
    cheap = source.chosen == "incremental"
    assert hot.follow(reading) == (KEEP_UP_EVERY_S if cheap else EVERY_S)
    assert hot.follow(reading) == (FOLLOW_EVERY_S if cheap else EVERY_S)
    clock.advance(KEEP_UP_FOR_S + 1)
    source.spans += 100
    assert hot.follow(reading) == EVERY_S


def test_metadata_alone_is_kept_up_with_where_nothing_else_is_asked_for(hot, source, monkeypatch):
    """A list of spans needs all of them; SQL mostly what they are."""
    decoded, read = [], []
    monkeypatch.setattr(DecodedRows, "table", lambda rows: decoded.append(1) or rows.rows)
    monkeypatch.setattr(DecodedRows, "metadata", lambda _, by: read.append(by) or ())
    by = object()
    hot.ask().rows.metadata(by)
    source.spans += 100
    hot.follow(reading)
    is_cheap = source.chosen == "incremental"
    assert (read, decoded) == ([by, by] if is_cheap else [by], [])


async def test_where_changes_are_counted_it_looks_when_one_comes(hot, source, monkeypatch):
    """And not before: an hour passes for each pause."""
    monkeypatch.setattr(module, "FOLLOW_EVERY_S", 3600.0)
    source.counts_changes = True
    hot.ask().rows.table()
    if source.chosen != "incremental":
        return
    stop = asyncio.Event()
    following = asyncio.create_task(hot.follow_until(stop, reading))
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(3):
            source.spans += 100
            while source.seen != source.spans:  # noqa: ASYNC110 - of a thread
                await asyncio.sleep(0.001)
        looks = source.looks
        await asyncio.sleep(20 * module.CHANGES_EVERY_S)
        assert source.looks == looks
        stop.set()
        await following


async def test_an_indexed_file_is_a_reason_for_a_cheap_look(hot, source, monkeypatch):
    monkeypatch.setattr(module, "FOLLOW_EVERY_S", 0.01)
    stop = asyncio.Event()
    following = asyncio.create_task(hot.follow_until(stop, reading))
    async with asyncio.timeout(PATIENCE_S):
        while not source.looks:  # noqa: ASYNC110 - of a thread
            await asyncio.sleep(0.01)
        await asyncio.to_thread(hot.follow_soon)
        if source.chosen == "incremental":
            while source.looks < 2:  # noqa: ASYNC110 - of a thread
                await asyncio.sleep(0.01)
        stop.set()
        await following
    assert source.looks == (2 if source.chosen == "incremental" else 1)


def test_a_service_that_comes_and_goes_is_logged_once_each_time(hot, source, caplog):
    caplog.set_level("INFO")
    for problem in ("dead", "dead", "", "", "dead", ""):
        source.problem = problem
        assert hot.follow(reading) == (FOLLOW_EVERY_S if problem else EVERY_S)
    assert [record.event for record in caplog.records] == [
        "hot.unreachable",
        "hot.reached",
        "hot.lost",
        "hot.reached",
    ]
    source.problem = "gone"
    with pytest.raises(HotUnavailable):
        hot.ask()
    assert hot.status()["problem"] == "gone"


@pytest.mark.parametrize("is_expected", [True, False])
def test_a_service_that_is_being_stopped_is_no_warning(hot, source, monkeypatch, is_expected):
    """`up` stops the ingestion first, and the worker then takes its last files."""
    logged = []
    monkeypatch.setattr(module, "log", lambda event, _: logged.append(event))
    hot.follow(reading)
    if is_expected:
        hot.expect_end()
    source.problem = "connection refused"
    hot.follow(reading)
    assert (module.HOT_LOST in logged) != is_expected
    assert hot.status()["problem"] == "connection refused"


def test_what_is_known_to_be_unchanged_is_told_without_asking(hot, source):
    """Only of a service that tells its changes; and it counts as a question."""
    source.unchanged = source.now
    view = hot.ask_at_once()
    assert (view is not None) == (source.chosen == "incremental") == hot._demand.is_asked
    source.unchanged = lambda: None
    assert hot.ask_at_once() is None

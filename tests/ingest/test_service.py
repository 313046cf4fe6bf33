"""The calls over a real server and a real channel."""

import threading

import grpc
import pytest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.ingest import service as service_module
from indexer.ingest.flush import Flusher
from indexer.ingest.hot_snapshot import HotSnapshots
from indexer.ingest.service import InternalIngestion, internal_server
from indexer.wire.generated import ingestion_pb2 as messages
from indexer.wire.generated import ingestion_pb2_grpc
from indexer.wire.keys import key_before
from indexer.wire.limits import CONFIRMED_PATHS_MAX
from tests.ingest.bodies import UNDECODABLE, append, body, numbers_in, pending
from tests.support.grpc_ports import started
from tests.support.processes import wait_until

TOKEN = "a token of more than thirty-two characters"  # noqa: S105 - of this test alone


@pytest.fixture
def connect(wal, make_flusher, tmp_path, process):
    """Makes stubs of a service with these options, all ended with the test."""
    opened = []

    def make(**options):
        snapshots = HotSnapshots(wal, tmp_path / "wal" / "snapshots", process)
        service = InternalIngestion(wal, make_flusher(), snapshots)
        server = internal_server(service, **options)
        channel = grpc.insecure_channel(f"127.0.0.1:{started(server)}")
        opened.append((server, channel))
        return ingestion_pb2_grpc.InternalIngestionServiceStub(channel)

    yield make
    for server, channel in opened:
        channel.close()
        server.stop(0).wait()


@pytest.fixture
def stub(connect):
    return connect()


CALLS = {
    "ReadSpans": messages.ReadSpansRequest(),
    "PrepareHotSnapshot": messages.PrepareHotSnapshotRequest(),
    "FlushWAL": messages.FlushWALRequest(),
    "ReadHot": messages.ReadHotRequest(),
    "ConfirmFiles": messages.ConfirmFilesRequest(),
}


def called(stub, name, metadata=()):
    answer = getattr(stub, name)(CALLS[name], metadata=metadata, timeout=60)
    return list(answer) if name.startswith("Read") else answer


@pytest.mark.parametrize("name", CALLS)
def test_every_call_wants_the_token(connect, name):
    stub = connect(token=TOKEN)
    for metadata in [(), (("x-junjo-internal-token", TOKEN[:-1]),), (("authorization", TOKEN),)]:
        with pytest.raises(grpc.RpcError) as refused:
            called(stub, name, metadata)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert TOKEN not in refused.value.details()
    called(stub, name, [("x-junjo-internal-token", TOKEN)])


@pytest.mark.parametrize("name", CALLS)
def test_without_a_token_everybody_is_admitted(stub, name):
    called(stub, name)
    called(stub, name, [("x-junjo-internal-token", "anything")])


@pytest.mark.parametrize("name", CALLS)
def test_a_log_that_is_closed_is_exhausted_or_internal(stub, wal, name):
    append(wal, body(0))
    wal.close()
    wal.path.unlink()
    with pytest.raises(grpc.RpcError) as failed:
        called(stub, name)
    exhausted = name == "ConfirmFiles"
    code = grpc.StatusCode.RESOURCE_EXHAUSTED if exhausted else grpc.StatusCode.INTERNAL
    assert failed.value.code() == code
    assert failed.value.details()


def read(stub, start=b"", size=0):
    request = messages.ReadSpansRequest(start_key_ulid=start, batch_size=size)
    return list(stub.ReadSpans(request, timeout=60))


def test_spans_come_in_order_and_a_key_at_last(stub, wal):
    keys = append(wal, body(0, 2), body(1))
    *found, last = read(stub)
    assert [one.key_ulid for one in found] == [
        keys[0] + b"\0\0\0\0",
        keys[0] + b"\0\0\0\1",
        keys[1] + b"\0\0\0\0",
    ]
    spans = [Span.FromString(one.span_bytes) for one in found]
    assert [(span.trace_id[-1], span.span_id[-1]) for span in spans] == [(1, 1), (1, 2), (2, 1)]
    resource = Resource.FromString(found[0].resource_bytes)
    assert resource.attributes[0].value.string_value == "shop"
    assert last == messages.ReadSpansResponse(key_ulid=found[-1].key_ulid)


def test_an_empty_log_answers_with_the_key_that_was_asked(stub):
    assert read(stub) == [messages.ReadSpansResponse()]
    key = bytes(range(20))
    assert read(stub, key) == [messages.ReadSpansResponse(key_ulid=key)]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_cursor_meets_every_span_once(stub, wal, size):
    """Also in the middle of a request, and across one that does not decode."""
    append(wal, body(0, 3), UNDECODABLE, body(1, 2), b"", body(2))
    cursor, found = b"", []
    while True:
        *spans, last = read(stub, cursor, size)
        found += [Span.FromString(one.span_bytes) for one in spans]
        assert len(spans) <= size
        if last.key_ulid == cursor:
            break
        cursor = last.key_ulid
    assert [span.trace_id[-1] for span in found] == [1, 1, 1, 2, 2, 3]


def test_a_cursor_passes_requests_that_do_not_decode(stub, wal):
    keys = append(wal, UNDECODABLE)
    (last,) = read(stub)
    assert last.key_ulid == keys[0] + b"\xff" * 4


def test_a_request_key_begins_with_that_request(stub, wal):
    keys = append(wal, body(0), body(1))
    assert [one.key_ulid[:16] for one in read(stub, keys[1])[:-1]] == keys[1:]


def test_a_hundred_spans_by_default_and_ten_thousand_at_most(stub, wal):
    append(wal, *(body(number, 600) for number in range(20)))
    assert len(read(stub)) == 101
    assert len(read(stub, size=2**32 - 1)) == 10_001


def test_an_odd_key_is_an_invalid_argument(stub):
    with pytest.raises(grpc.RpcError) as refused:
        read(stub, b"123")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_span_of_an_empty_resource_is_not_taken_for_the_last_message(stub, wal):
    append(wal, body(0, service=""))
    span, _ = read(stub)
    assert span.resource_bytes
    assert Resource.FromString(span.resource_bytes) == Resource()


def test_a_snapshot_names_its_file_and_those_before_it(stub, wal):
    keys = append(wal, body(0), body(1), body(2, 2))
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    wal.mark_flushed(keys[1], "/b.parquet", 1)
    answer = called(stub, "PrepareHotSnapshot")
    assert answer.success
    assert numbers_in(answer.snapshot_path) == [2, 2]
    assert answer.row_count == 2
    assert answer.file_size_bytes > 0
    assert answer.recent_cold_paths == ["/b.parquet", "/a.parquet"]


def test_an_empty_log_has_a_snapshot_without_a_path(stub):
    assert called(stub, "PrepareHotSnapshot") == messages.PrepareHotSnapshotResponse(success=True)


def test_flushing_leaves_nothing_hot(stub, wal):
    append(wal, body(0), body(1))
    assert called(stub, "FlushWAL") == messages.FlushWALResponse(success=True)
    assert pending(wal) == []
    (file,) = wal.state().recent_files
    assert sorted(numbers_in(file.path)) == [0, 1]


def hot(stub, **fields):
    *batches, last = stub.ReadHot(messages.ReadHotRequest(**fields), timeout=60)
    assert not any(one.HasField("state") for one in batches)
    assert not last.requests
    return [one for batch in batches for one in batch.requests], last.state


def test_hot_requests_come_with_the_state_at_last(stub, wal, clock):
    keys = append(wal, body(0), body(1, 2), body(2), span_count=2)
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    requests, state = hot(stub)
    assert [(one.key, one.body, one.span_count) for one in requests] == [
        (keys[1], body(1, 2), 2),
        (keys[2], body(2), 2),
    ]
    assert state == messages.HotState(
        wal_id=wal.wal_id,
        newest_key=keys[2],
        flushed_key=keys[0],
        as_of_unix_nano=clock.now_unix_nano(),
        recent_files=[messages.RecentFile(path="/a.parquet", span_count=1)],
        pending_spans=4,
    )


@pytest.mark.parametrize("messages_max", [0, 1])
def test_no_more_messages_of_requests_come_than_were_asked_for(stub, wal, messages_max):
    """Two do not fit into one."""
    keys = append(wal, *[b"x" * 3_000_000] * 2)
    requests, state = hot(stub, messages_max=messages_max)
    assert [one.key for one in requests] == keys[:messages_max]
    assert (state.newest_key, state.pending_spans) == (keys[1], 2)


def test_hot_requests_of_an_empty_log_are_its_state(stub, wal):
    requests, state = hot(stub, after_key=b"\xff" * 16, wal_id=wal.wal_id)
    assert requests == []
    assert (state.wal_id, state.newest_key) == (wal.wal_id, b"")


def test_a_key_is_honoured_only_if_it_is_of_this_log(stub, wal):
    keys = append(wal, body(0), body(1))
    assert [one.key for one in hot(stub, after_key=keys[0])[0]] == keys[1:]
    assert [one.key for one in hot(stub, after_key=keys[0], wal_id=wal.wal_id)[0]] == keys[1:]
    assert [one.key for one in hot(stub, after_key=keys[0], wal_id="another")[0]] == keys


def test_a_key_that_is_flushed_since_starts_after_the_flush(stub, wal):
    keys = append(wal, body(0), body(1))
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    assert [one.key for one in hot(stub, after_key=key_before(keys[0]))[0]] == keys[1:]


def test_messages_stay_below_the_default_limit_of_a_channel(stub, wal):
    """A channel without options refuses more than 4 MiB."""
    keys = append(wal, *[b"x" * 1_000_000] * 9, *[b"y"] * 3_000)
    requests, _ = hot(stub)
    assert [one.key for one in requests] == keys


def test_a_client_that_does_not_read_is_cancelled(stub, wal, monkeypatch):
    monkeypatch.setattr(service_module, "SNAPSHOT_S_MAX", 0.2)
    append(wal, *[b"x" * 3_000_000] * 20)
    reading = stub.ReadHot(messages.ReadHotRequest())

    def read_late() -> None:
        next(reading)  # on a busy machine it may be cancelled by now
        wait_until(lambda: len(wal._readers._idle) == 1 or not reading.is_active(), "the end")
        list(reading)

    with pytest.raises(grpc.RpcError) as cancelled:
        read_late()
    assert cancelled.value.code() == grpc.StatusCode.CANCELLED


def test_confirmed_files_are_listed_no_more(stub, wal):
    keys = append(wal, body(0), body(1))
    wal.mark_flushed(keys[0], "/a.parquet", 1)
    wal.mark_flushed(keys[1], "/b.parquet", 1)
    request = messages.ConfirmFilesRequest(paths=["/a.parquet", "/other", "/a.parquet"])
    assert stub.ConfirmFiles(request, timeout=60).confirmed_count == 1
    assert [file.path for file in hot(stub)[1].recent_files] == ["/b.parquet"]
    assert stub.ConfirmFiles(request, timeout=60).confirmed_count == 0


def test_paths_that_are_not_listed_change_nothing(stub, wal, monkeypatch):
    """They do not even cost a commit, which every sender would wait for."""
    (key,) = append(wal, body(0))
    wal.mark_flushed(key, "/a.parquet", 1)
    commits = []
    monkeypatch.setattr(wal._commits, "change", commits.append)
    foreign = [
        "",
        "/",
        "/a.parquet/",
        "/A.parquet",
        "../a.parquet",
        "%",
        "' OR 1=1 --",
        "/a" * 2000,
    ]
    request = messages.ConfirmFilesRequest(paths=foreign)
    assert stub.ConfirmFiles(request, timeout=60).confirmed_count == 0
    assert commits == []
    assert [file.path for file in hot(stub)[1].recent_files] == ["/a.parquet"]


def test_too_many_paths_are_refused_and_change_nothing(stub, wal):
    (key,) = append(wal, body(0))
    wal.mark_flushed(key, "/a.parquet", 1)
    paths = ["/a.parquet"] * CONFIRMED_PATHS_MAX
    with pytest.raises(grpc.RpcError) as refused:
        stub.ConfirmFiles(messages.ConfirmFilesRequest(paths=[*paths, "/one"]), timeout=60)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "10000 or fewer" in refused.value.details()
    assert hot(stub)[1].recent_files
    assert stub.ConfirmFiles(messages.ConfirmFilesRequest(paths=paths), timeout=60).confirmed_count


SLOW = {"FlushWAL": (Flusher, "flush_all"), "PrepareHotSnapshot": (HotSnapshots, "prepare")}


@pytest.mark.parametrize("name", SLOW)
def test_calls_that_take_long_are_bounded_and_leave_room_for_others(
    connect, wal, monkeypatch, name
):
    """Who is one too many is told when to come again, and a reader is answered meanwhile."""
    owner, method = SLOW[name]
    real, go_on = getattr(owner, method), threading.Event()

    def slow(self):
        assert go_on.wait(100)
        return real(self)

    monkeypatch.setattr(owner, method, slow)
    stub = connect()
    append(wal, body(0))
    callers = service_module.SHARED_CALLERS_MAX + 1
    calls = [getattr(stub, name).future(CALLS[name], timeout=100) for _ in range(callers)]
    wait_until(lambda: any(one.done() for one in calls), "a refusal")
    (refused,) = [one for one in calls if one.done()]
    assert refused.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "grpc-status-details-bin" in dict(refused.trailing_metadata())
    assert hot(stub)[1].newest_key
    go_on.set()
    assert all(one.result(100).success for one in calls if one is not refused)
    assert called(stub, name).success

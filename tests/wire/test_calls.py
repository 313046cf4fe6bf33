"""What is sent fits into what the other end takes, however much there is."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import grpc
import pytest

from indexer.errors import HotUnavailable
from indexer.wire.calls import Calls, Unimplemented
from indexer.wire.generated import ingestion_pb2, ingestion_pb2_grpc
from indexer.wire.limits import CONFIRMED_PATHS, CONFIRMED_PATHS_MAX, REQUEST_BYTES_MAX


class Confirming(ingestion_pb2_grpc.InternalIngestionServiceServicer):
    def __init__(self):
        self.calls = []

    def ConfirmFiles(self, request, context):  # noqa: N802 - the wire's name
        self.calls.append(list(request.paths))
        return ingestion_pb2.ConfirmFilesResponse()


@pytest.fixture
def serving():
    """Calls to a servicer."""
    ended = []

    def make(servicer):
        server = grpc.server(ThreadPoolExecutor(2))
        ingestion_pb2_grpc.add_InternalIngestionServiceServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        calls = Calls(f"127.0.0.1:{port}", None, message_bytes_max=1 << 20)
        ended.append((calls, server))
        return calls

    yield make
    for calls, server in ended:
        with closing(calls):
            server.stop(0).wait()


@pytest.mark.parametrize("count", [0, 1, CONFIRMED_PATHS, CONFIRMED_PATHS + 1, 1_000])
def test_any_number_of_files_is_confirmed_in_small_calls(serving, count):
    """A worker that was away for days has thousands, and their paths may be as long as can be."""
    service = Confirming()
    paths = [f"{n:05}".ljust(4_096, "x") for n in range(count)]
    serving(service).confirm_files(paths, 30)
    assert [path for call in service.calls for path in call] == paths
    assert all(len(call) <= CONFIRMED_PATHS <= CONFIRMED_PATHS_MAX for call in service.calls)
    assert CONFIRMED_PATHS * 4_100 < REQUEST_BYTES_MAX


def test_a_service_that_has_no_such_call_is_known(serving):
    with pytest.raises(Unimplemented):
        serving(ingestion_pb2_grpc.InternalIngestionServiceServicer()).confirm_files(["/a"], 30)


class Flushing(ingestion_pb2_grpc.InternalIngestionServiceServicer):
    def __init__(self, refusal=""):
        self.refusal = refusal

    def FlushWAL(self, request, context):  # noqa: N802 - the wire's name
        return ingestion_pb2.FlushWALResponse(success=not self.refusal, error_message=self.refusal)


def test_a_flush_that_the_service_refuses_is_told_with_its_reason(serving):
    serving(Flushing()).flush_wal(30)
    with pytest.raises(HotUnavailable, match="FlushWAL: 'the disk is full'"):
        serving(Flushing("the disk is full")).flush_wal(30)

"""A call whose message does not arrive is ended, also the first one after a rest."""

import threading

from indexer.http.grpc_server import ReceiveWatch
from tests.support.processes import wait_until

PATIENCE_S = 60.0


class Call:
    """What a watch ends."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def cancel(self) -> None:
        self.ended.set()


def test_late_calls_are_ended_and_the_watch_rests_while_there_is_none() -> None:
    watch = ReceiveWatch(0.05)
    for _ in range(2):
        wait_until(lambda: not watch._begun.is_set(), "the rest")
        call = Call()
        with watch.until_received(call):
            assert call.ended.wait(PATIENCE_S)


def test_a_message_that_arrives_in_time_ends_nothing() -> None:
    watch, call = ReceiveWatch(0.05), Call()
    with watch.until_received(call):
        pass
    wait_until(lambda: not watch._begun.is_set(), "the rest")
    assert not call.ended.is_set()

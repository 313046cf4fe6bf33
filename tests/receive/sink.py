"""A sink that keeps what it is given, or refuses it as a write-ahead log does."""

from concurrent.futures import Future

from indexer.errors import WalBusy


class KeepingSink:
    """Durable at once, unless told to be busy or to take for ever."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, int]] = []
        self.busy = False
        self.fails = False

    def append(self, body: bytes, span_count: int) -> "Future[bytes]":
        if self.busy:
            raise WalBusy("the log is full")
        future: Future[bytes] = Future()
        if self.fails:
            future.set_exception(WalBusy("the disk is full"))
            return future
        self.kept.append((body, span_count))
        future.set_result(len(self.kept).to_bytes(16, "big"))
        return future

"""What a port allows its clients: connections, time, bytes of a head, rate of a body."""

from indexer.deferred_dataclass import dataclass

KIB = 1 << 10
HEAD_BYTES_MAX = 32 * KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits of one port's connections."""

    connections: int = 256
    """Far below the descriptors that a process gets; the one that has been idle for longest is
    closed for a new one."""
    head_s: float = 10.0
    """From the first byte of a request (of a connection: from its beginning) to a whole head."""
    idle_s: float = 75.0
    """Between an answer and the next request: the SDKs' batch processors send every 5 s, their
    metric readers every 60 s."""
    answer_s: float = 30.0
    """How long a client may leave the bytes of an answer unread."""
    discard_s: float = 5.0
    """How long the rest of a body is read and dropped once its request is answered, so that the
    sender reads the answer before the connection ends."""
    head_bytes: int = HEAD_BYTES_MAX
    """Of the path and query, and of all headers; a dashboard's longest URL has a few thousand."""
    body_bytes_per_s: int = KIB
    """The lowest rate of a body, averaged over ``body_window_s``."""
    body_window_s: float = 10.0

    @property
    def body_window_bytes(self) -> int:
        """The least number of bytes of a body in one window."""
        return int(self.body_bytes_per_s * self.body_window_s)

"""HTTP/1.1 (RFC 9112) as commands speak it to their worker: one request on a socket, its answer.

The standard library's client parses mail and loads TLS, which is more than all else that such a
command needs of it; and here both ends are of this program.
"""

import socket
from collections.abc import Iterator
from typing import BinaryIO

from indexer.deferred_dataclass import dataclass

LINE_BYTES_MAX = 64 << 10
"""Of a line of the head: the worker's headers have a few thousand."""
LINES_MAX = 100
"""Of a head."""
PART_BYTES = 64 << 10


class BrokenAnswer(Exception):
    """What came is not HTTP, or ends too early."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """The head of an answer that has come, and its body while it comes."""

    status: int
    body: Iterator[bytes]
    """Its parts. Raises BrokenAnswer and OSError."""

    def read(self) -> bytes:
        """The whole body. Raises as it does."""
        return b"".join(self.body)

    def lines(self) -> Iterator[bytes]:
        """Its lines as they come, without their ends. Raises as it does."""
        rest = b""
        for part in self.body:
            *whole, rest = (rest + part).split(b"\n")
            yield from whole
        if rest:
            yield rest


def send(channel: socket.socket, method: str, target: str) -> None:
    """Send a request without a body. Raises OSError."""
    head = f"{method} {target} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\nContent-Length: 0"
    channel.sendall(head.encode("ascii") + b"\r\n\r\n")


def ask(channel: socket.socket, method: str, target: str) -> HttpAnswer:
    """Send a request without a body. Raises BrokenAnswer and OSError."""
    send(channel, method, target)
    reader = channel.makefile("rb")
    version, _, rest = _line(reader).partition(b" ")
    if not (version.startswith(b"HTTP/1.") and rest[:3].isdigit()):
        raise BrokenAnswer("it is not HTTP")
    return HttpAnswer(status=int(rest[:3]), body=_body(reader, _fields(reader)))


def _fields(reader: BinaryIO) -> dict[bytes, bytes]:
    """By name in lower case; of a name that comes twice the last."""
    fields: dict[bytes, bytes] = {}
    for _ in range(LINES_MAX):
        line = _line(reader)
        if not line:
            return fields
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip()
    raise BrokenAnswer(f"its head has more than {LINES_MAX} lines")


def _body(reader: BinaryIO, fields: dict[bytes, bytes]) -> Iterator[bytes]:
    """RFC 9112, section 6.3."""
    with reader:
        if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
            while size := _chunk_size(_line(reader)):
                yield from _exactly(reader, size)
                _line(reader)
            while _line(reader):
                pass
        elif b"content-length" in fields:
            length = fields[b"content-length"]
            if not length.isdigit():
                raise BrokenAnswer("its length is invalid")
            yield from _exactly(reader, int(length))
        else:
            while part := reader.read(PART_BYTES):
                yield part


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise BrokenAnswer("a chunk has no size")
    return int(digits, 16)


def _exactly(reader: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        part = reader.read(min(size, PART_BYTES))
        if not part:
            raise BrokenAnswer("it ends too early")
        size -= len(part)
        yield part


def _line(reader: BinaryIO) -> bytes:
    line = reader.readline(LINE_BYTES_MAX)
    if not line.endswith(b"\n"):
        raise BrokenAnswer("it ends too early" if len(line) < LINE_BYTES_MAX else "a line is long")
    return line.rstrip(b"\r\n")

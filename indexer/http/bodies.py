"""The body of a request: collected on the event loop, inflated elsewhere, both within a budget.

A body is held against the budget as it arrives, never by the length that it announces, so that a
sender who announces much and sends nothing keeps nobody out.
"""

import zlib
from collections.abc import Callable, Generator, Iterator

from starlette.requests import Request

from indexer.errors import BodyTooLarge, BodyUnreadable, CodingUnknown
from indexer.system.budget import Reservation

CODINGS = ("gzip", "x-gzip", "deflate", "zstd", "identity")
"""Content codings of RFC 9110 8.4.1 and RFC 8878 that are accepted; ``x-gzip`` is gzip."""
MEMBERS_MAX = 16_384
"""Of one gzip body: senders that flush by ending a member write one for some kilobytes."""
_PORTION_BYTES = 256 << 10
_WINDOW_BYTES = 16 << 10
_GZIP, _ZLIB, _RAW = 31, 15, -15
"""zlib's names for what surrounds a deflate stream (its manual, inflateInit2)."""


def content_coding(header: str | None) -> str:
    """The coding that ``Content-Encoding`` names. Raises CodingUnknown for others, or several."""
    name = (header or "identity").strip().lower() or "identity"
    if name not in CODINGS:
        raise CodingUnknown(f"content-encoding {name[:64]!r}, expected one of {', '.join(CODINGS)}")
    return "gzip" if name == "x-gzip" else name


async def collect(request: Request, held: Reservation, bytes_max: int) -> bytes:
    """The body as it was sent.

    Raises BodyTooLarge, BodiesBusy, and starlette's ClientDisconnect.
    """
    body = _Body(held, bytes_max)
    async for part in request.stream():
        body.add(part)
    return body.join()


def inflate(sent: bytes, coding: str, held: Reservation, bytes_max: int) -> bytes:
    """The body without its coding; not for the event loop.

    Raises BodyTooLarge, BodyUnreadable, BodiesBusy.
    """
    if coding == "identity" or not sent:
        return sent
    body = _Body(held, bytes_max)
    try:
        for part in _PORTIONS[coding](sent):
            body.add(part)
    except (zlib.error, OSError, EOFError) as error:
        raise BodyUnreadable(f"the body is not valid {coding}: {error}") from error
    return body.join()


class _Body:
    """Parts of a body, each held against the budget, and joined once.

    A buffer that grows would be copied nine times on its way to 64 MiB, and each copy holds the
    interpreter.
    """

    def __init__(self, held: Reservation, bytes_max: int) -> None:
        self._held, self._bytes_max = held, bytes_max
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        """Raises BodyTooLarge, and BodiesBusy."""
        self._size += len(part)
        if self._size > self._bytes_max:
            raise BodyTooLarge(f"the body is larger than {self._bytes_max} bytes")
        self._held.grow(len(part))
        self._parts.append(part)

    def join(self) -> bytes:
        return b"".join(self._parts)


def _gzip(sent: bytes) -> Iterator[bytes]:
    """RFC 1952 2.2: a gzip file is a series of members."""
    begin = members = 0
    while begin < len(sent):
        members += 1
        if members > MEMBERS_MAX:
            raise zlib.error(f"more than {MEMBERS_MAX} members")
        begin = yield from _stream(zlib.decompressobj(_GZIP), sent, begin)


def _deflate(sent: bytes) -> Iterator[bytes]:
    """RFC 9110 8.4.1.2 means zlib's form; some senders leave its two bytes of header away."""
    is_zlib = sent[0] & 0x0F == zlib.DEFLATED and int.from_bytes(sent[:2], "big") % 31 == 0
    end = yield from _stream(zlib.decompressobj(_ZLIB if is_zlib else _RAW), sent, 0)
    if end < len(sent):
        raise zlib.error("bytes after the end")


def _stream(inflating: "zlib._Decompress", sent: bytes, begin: int) -> Generator[bytes, None, int]:
    """One stream in bounded portions; where it ends.

    It is fed by windows, because zlib copies what it was given and has not used yet.
    """
    while not inflating.eof:
        window = sent[begin : begin + _WINDOW_BYTES]
        if not window:
            raise zlib.error("it ends early")
        begin += len(window)
        while window and not inflating.eof:
            yield inflating.decompress(window, _PORTION_BYTES)
            window = inflating.unconsumed_tail
    return begin - len(inflating.unused_data)


def _zstd(sent: bytes) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - few senders use it, and it takes 20 MiB

    try:
        with pa.CompressedInputStream(pa.BufferReader(sent), "zstd") as stream:
            while part := stream.read(_PORTION_BYTES):
                yield part
    except pa.ArrowException as error:
        raise zlib.error(str(error)) from error


_PORTIONS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}

"""A file's bytes in order: inflated where they are compressed, looked at before they are taken.

Compression is found by its first bytes. A stream that is cut off or damaged gives what comes
before, and then says so.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import pyarrow as pa

CHUNK_BYTES = 1 << 20
"""Read at a time."""
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""First bytes: RFC 1952 2.3.1, RFC 8878 3.1.1."""
_WINDOW_BYTES = 64 << 10
_GZIP_MEMBERS = 31
"""zlib's name for a gzip header around the stream."""


class DamagedStream(Exception):
    """The compressed bytes end early or cannot be inflated. Never leaves ``files``."""


class Source(Protocol):
    """What bytes are read from, as of a file opened without a buffer."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; none at the end."""

    def close(self) -> None:
        """Nothing more is read."""


class ByteStream:
    """A cursor over the bytes of one file, inflated. ``offset`` is where it stands."""

    def __init__(self, source: Source) -> None:
        head = source.read(_WINDOW_BYTES)
        self.compression = compression_of(head)
        self._parts = _PARTS[self.compression](_chunks(head, source))
        self._held = b""
        self._at = 0
        self.offset = 0
        self.damage: DamagedStream | None = None
        """Why there is no more, if not because it is the end."""

    def peek(self, size: int) -> bytes:
        """The next bytes, without taking them; fewer only at the end."""
        missing = size - (len(self._held) - self._at)
        if missing > 0:
            parts = [self._held[self._at :]]
            while missing > 0 and (part := self._next()):
                parts.append(part)
                missing -= len(part)
            self._held, self._at = b"".join(parts), 0
        return self._held[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        found = self.peek(size)
        self._at += len(found)
        self.offset += len(found)
        return found

    def take_chunk(self) -> bytes:
        """Whatever is at hand; none at the end."""
        found = self._held[self._at :] or self._next()
        self._held, self._at = b"", 0
        self.offset += len(found)
        return found

    def skip(self, size: int) -> int:
        """Pass over so many bytes; how many there were."""
        left = size
        while left > 0 and (found := self.take(min(left, CHUNK_BYTES))):
            left -= len(found)
        return size - left

    def _next(self) -> bytes:
        try:
            return next(self._parts, b"")
        except DamagedStream as problem:
            self.damage = problem
            return b""


def compression_of(head: bytes) -> str:
    """``gzip``, ``zstd`` or ``none``."""
    if head.startswith(GZIP):
        return "gzip"
    return "zstd" if head.startswith(ZSTD) else "none"


def inflate(data: bytes, bytes_max: int) -> bytes:
    """A message that may be compressed by itself, inflated. Raises DamagedStream."""
    coding = compression_of(data[:4])
    if coding == "none":
        return data
    found = []
    size = 0
    for part in _PARTS[coding](iter([data])):
        size += len(part)
        if size > bytes_max:
            raise DamagedStream(f"a message inflates to more than {bytes_max} bytes")
        found.append(part)
    return b"".join(found)


def _chunks(head: bytes, source: Source) -> Iterator[bytes]:
    part = head
    while part:
        yield part
        part = source.read(CHUNK_BYTES)


def _inflated_gzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A gzip file is a series of members, RFC 1952 2.2; zeros may follow each."""
    inflating = None
    for chunk in chunks:
        left = chunk
        while left := left if inflating else left.lstrip(b"\0"):
            inflating = inflating or zlib.decompressobj(_GZIP_MEMBERS)
            try:
                part = inflating.decompress(left, CHUNK_BYTES)
            except zlib.error as problem:
                raise DamagedStream(f"invalid gzip: {problem}") from problem
            left = inflating.unused_data if inflating.eof else inflating.unconsumed_tail
            inflating = None if inflating.eof else inflating
            if part:
                yield part
    if inflating:
        raise DamagedStream("the gzip stream ends early")


def _inflated_zstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    with pa.CompressedInputStream(_AsFile(chunks), "zstd") as stream:
        while True:
            try:
                part = stream.read(_WINDOW_BYTES)
            except OSError as problem:
                raise DamagedStream(f"invalid zstd: {problem}") from problem
            if not part:
                return
            yield part


class _AsFile:
    """Chunks as the file that Arrow reads from."""

    closed = False

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def read(self, size: int) -> bytes:
        found = self._left or next(self._chunks, b"")
        self._left = found[size:]
        return found[:size]

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


_PARTS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "none": iter,
    "gzip": _inflated_gzip,
    "zstd": _inflated_zstd,
}

"""JSON documents in a file: one a line, one over many lines, or several in a row.

A line that is a document is parsed as such. One that is the valid beginning of one is joined with
the lines below it, until its brackets are closed. Any other is damaged, and reading goes on with
the next line; what began a document and never ends is left where the next one begins.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.otlp.files.byte_stream import ByteStream
from indexer.otlp.files.formats import MESSAGE_BYTES_MAX
from indexer.otlp.json_reader import DECODER

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_OPENING = re.compile(rb"[{\[]")
_CLOSING = re.compile(rb"[}\]]")
_BEGINNING = re.compile(rb'\{\s*"resource(?:Spans|Logs|Metrics)"\s*:')
"""Of a document of OTLP, as all writers write it."""
_TRACES = re.compile(rb'\{\s*"resourceSpans"\s*:')
_SEPARATORS = " \t\r\n,[]"
"""Between documents. Brackets are those of an array around them."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, or why there is none where one should be."""

    value: Any
    line: int
    """Where it begins, from 1."""
    offset: int
    """The same in bytes."""
    size: int
    problem: str = ""
    raw: bytes = b""
    """Instead of a value: a line that looks like one whole document of traces, not parsed yet."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: bytes
    number: int
    offset: int
    is_ended: bool


def begins_as_otlp(head: bytes) -> bool:
    """Whether a file that begins so was meant to be OTLP, whatever follows."""
    return _BEGINNING.match(head.removeprefix(_BYTE_ORDER_MARK).lstrip(b" \t\r\n[")) is not None


def documents(stream: ByteStream, *, raw: bool = False) -> Iterator[Document]:
    """The documents of a file in order, damaged ones among them.

    With ``raw`` lines that look like whole documents of traces are left as they are.
    """
    reader = _Reader(raw=raw)
    for line in _lines(stream):
        yield from reader.read(line)
    yield from reader.finish()


def documents_of_line(text: bytes, number: int, offset: int) -> Iterator[Document]:
    """The documents of a line that was left as it is."""
    yield from _Reader(raw=False).read(_Line(text, number, offset, is_ended=False))


def _lines(stream: ByteStream) -> Iterator[_Line]:
    """Lines without their end; one longer than a message may be is cut there."""
    number, offset = 1, 0
    parts: list[bytes] = []
    held = 0
    while chunk := stream.take_chunk():
        first, *others = chunk.split(b"\n")
        parts.append(first)
        held += len(first)
        for other in others:
            yield _line(parts, number, offset, is_ended=True)
            number, offset = number + 1, offset + held + 1
            parts, held = [other], len(other)
        if held > MESSAGE_BYTES_MAX:
            yield _line(parts, number, offset, is_ended=False)
            offset, parts, held = offset + held, [], 0
    if held:
        yield _line(parts, number, offset, is_ended=False)


def _line(parts: list[bytes], number: int, offset: int, *, is_ended: bool) -> _Line:
    text = b"".join(parts) if len(parts) > 1 else parts[0]
    if offset == 0:
        text = text.removeprefix(_BYTE_ORDER_MARK)
    return _Line(text, number, offset, is_ended)


class _Reader:
    """What is read of a document that goes on in the next line."""

    def __init__(self, *, raw: bool) -> None:
        self._raw = raw
        self._held: list[_Line] = []
        self._size = 0
        self._depth = 0
        self._is_lost = False
        """Within what is left of a damaged document of several lines."""

    def read(self, line: _Line) -> Iterator[Document]:
        if self._held and not _BEGINNING.match(line.text):
            yield from self._go_on(line)
            return
        if self._held:
            yield self._give_up("it does not end before the next document begins")
            self._is_lost = False
        yield from self._begin(line)

    def finish(self) -> Iterator[Document]:
        if self._held:
            yield from self._join()

    def _begin(self, line: _Line) -> Iterator[Document]:
        text = line.text.strip()
        if not text or (self._is_lost and not line.text.startswith((b"{", b"["))):
            return
        self._is_lost = False
        if self._raw and _looks_whole(text):
            offset = line.offset + len(line.text) - len(line.text.lstrip())
            yield Document(None, line.number, offset, len(text), raw=text)
            return
        if len(text) > MESSAGE_BYTES_MAX:
            yield _problem(line, f"it is longer than {MESSAGE_BYTES_MAX} bytes")
            return
        try:
            decoded = text.decode()
        except UnicodeDecodeError as error:
            yield _problem(line, f"invalid UTF-8: {error.reason}")
            return
        yield from self._values(line, decoded)

    def _values(self, line: _Line, text: str) -> Iterator[Document]:
        """The documents of a line, and what begins in it."""
        at = _skip(text, 0)
        while at < len(text):
            offset = line.offset + len(line.text) - len(line.text.lstrip())
            offset += at if text.isascii() else len(text[:at].encode())
            try:
                value, end = DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if line.is_ended and _may_go_on(text, at, error):
                    self._hold(_Line(text[at:].encode(), line.number, offset, is_ended=True))
                    return
                problem = f"invalid JSON: {getattr(error, 'msg', error)}"
                yield Document(None, line.number, offset, len(text) - at, problem)
                return
            yield Document(value, line.number, offset, end - at)
            at = _skip(text, end)

    def _go_on(self, line: _Line) -> Iterator[Document]:
        bare = _STRING.sub(b"", line.text)
        depth = self._depth + len(_OPENING.findall(bare)) - len(_CLOSING.findall(bare))
        self._held.append(line)
        self._size += len(line.text) + 1
        if b'"' in bare:
            yield self._give_up("a text in it does not end", is_lost=True)
        elif self._size > MESSAGE_BYTES_MAX:
            yield self._give_up(f"it is longer than {MESSAGE_BYTES_MAX} bytes", is_lost=True)
        elif depth <= 0:
            yield from self._join()
        else:
            self._depth = depth

    def _hold(self, line: _Line) -> None:
        bare = _STRING.sub(b"", line.text)
        self._held = [line]
        self._size = len(line.text)
        self._depth = len(_OPENING.findall(bare)) - len(_CLOSING.findall(bare))

    def _join(self) -> Iterator[Document]:
        """All of a document is here, and perhaps more documents behind it."""
        first = self._held[0]
        text = b"\n".join(line.text for line in self._held)
        self._held = []
        for found in self._begin(_Line(text, first.number, first.offset, is_ended=False)):
            self._is_lost = bool(found.problem)
            yield found

    def _give_up(self, problem: str, *, is_lost: bool = False) -> Document:
        first = self._held[0]
        self._held, self._is_lost = [], is_lost
        return Document(None, first.number, first.offset, self._size, problem)


def _problem(line: _Line, problem: str) -> Document:
    return Document(None, line.number, line.offset, len(line.text), problem)


def _looks_whole(text: bytes) -> bool:
    """Whether it begins as traces and all that it opens it closes; texts may mislead this."""
    return (
        _TRACES.match(text) is not None
        and text.endswith(b"}")
        and text.count(b"{") == text.count(b"}")
        and text.count(b"[") == text.count(b"]")
    )


def _may_go_on(text: str, at: int, error: Exception) -> bool:
    """Whether what begins there is valid as far as it goes."""
    is_at_end = isinstance(error, json.JSONDecodeError) and error.pos >= len(text)
    return is_at_end and text[at] in "{["


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SEPARATORS:
        at += 1
    return at

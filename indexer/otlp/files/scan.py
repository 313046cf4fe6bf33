"""One reading of one file: groups of rows in order, and what there was to say about it.

A group is made of so many bytes of the file, so that what is in memory does not grow with it. The
groups of a file are the same however often it is read.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal, cast

import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp, NotOtlp
from indexer.otlp.files.byte_stream import ByteStream, Source
from indexer.otlp.files.formats import HEAD_BYTES, Framing, description, framing_of
from indexer.otlp.files.json_documents import begins_as_otlp
from indexer.otlp.files.messages import (
    Message,
    Wanted,
    messages,
    parsed_line,
)
from indexer.otlp.files.repeated_bytes import repeated_bytes_of
from indexer.otlp.json_mapping import LENIENCY, Leniency
from indexer.otlp.requests import REPEATED_BYTES_MAX, Signal, parse_protobuf
from indexer.otlp.rows.json_spans import json_span_rows
from indexer.otlp.rows.schemas import TABLES, Kind
from indexer.otlp.rows.tables import rows
from indexer.otlp.rows.traces import trace_rows
from indexer.otlp.rows.wire_spans import wire_span_rows
from indexer.otlp.rows.wire_walk import Unusual
from indexer.system.counted_nouns import counted

GROUP_BYTES = 4 << 20
"""Of a file, inflated. Ten times that is in memory while it is JSON."""

COLUMNS_BYTES_MIN = 64 << 10
"""Of requests that are read by columns: that costs milliseconds however few spans there are."""

OnError = Literal["skip", "fail"]


class SkippedRecords(UserWarning):
    """Something in a file was not read, or not as it should have been written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOptions:
    """What is asked of a file."""

    kind: Kind
    on_error: OnError = "skip"
    signal: Signal | None = None
    """Of protobuf, where its structure is not to decide."""


@dataclass(slots=True, kw_only=True)
class ScanStats:
    """What was read of one file so far."""

    file: str
    compression: str = ""
    framing: str = ""
    bytes: int = 0
    """Inflated."""
    records: int = 0
    """Documents and messages that were read."""
    rows: int = 0
    skipped: int = 0
    """Documents and messages that were not."""
    lenient: int = 0
    """Values that OTLP's JSON forbids and that were read all the same."""
    clipped: int = 0
    """Spans, resources and scopes that had more than one may, of which the first parts were read.
    What was left out of each is in its dropped counts."""
    other_signals: int = 0
    """Documents and messages of signals that the table has no rows for."""
    first_error: str | None = None
    error_line: int | None = None
    error_offset: int | None = None
    finished: bool = False


class Scan:
    """One reading of a file, as ``groups`` or as ``messages``, which can be gone through once."""

    def __init__(self, name: str, source: Source, options: ScanOptions) -> None:
        self.stats = ScanStats(file=name)
        self._source = source
        self._options = options
        self._leniency = Leniency()

    def groups(self) -> Iterator[list[pa.RecordBatch]]:
        """Rows in batches, as many as each group of the file has. Raises as ``messages``.

        At the end it warns of what was skipped.
        """
        pending = _Pending(self._options.kind)
        for message in self.messages():
            checked = pending.room.checked(message)
            if checked is not message:
                self._uncount(message)
                self._count(checked)
            pending.add(checked)
            if pending.bytes >= GROUP_BYTES:
                yield self._rows(pending)
        if pending.bytes:
            yield self._rows(pending)
        self._finish()

    def messages(self) -> Iterator[Message]:
        """The messages of the file in order, but for damaged ones, which are counted.

        Raises NotOtlp, and InvalidOtlp under ``on_error := 'fail'``. Requests for traces may
        be left unparsed where the rows of spans are asked for.
        """
        stream = ByteStream(self._source)
        framing = self._framing(stream)
        is_promising = framing != "json" or begins_as_otlp(stream.peek(HEAD_BYTES))
        is_traces = self._options.kind == "traces"
        wanted = Wanted(self._signals, self._options.signal, bodies=is_traces)
        found = messages(stream, framing, wanted)
        first: Message | None = None
        while True:
            token = LENIENCY.set(self._leniency)
            try:
                message = next(found, None)
            finally:
                LENIENCY.reset(token)
            self.stats.bytes, self.stats.lenient = stream.offset, self._leniency.values
            if message is None:
                break
            self._count(message)
            first = first or (message if message.problem else None)
            yield message
        if first is not None and not self.stats.records and not is_promising:
            raise NotOtlp(f"{self.stats.file}: no OTLP in it: {place(first)}")

    def _framing(self, stream: ByteStream) -> Framing:
        head = stream.peek(HEAD_BYTES)
        framing = framing_of(head, is_whole=len(head) < HEAD_BYTES)
        self.stats.compression = stream.compression
        if framing is None:
            found = stream.damage or description(head)
            raise NotOtlp(f"{self.stats.file}: not OTLP, but {found}")
        self.stats.framing = framing
        return framing

    def _count(self, message: Message) -> None:
        stats = self.stats
        if message.problem:
            stats.skipped += 1
            if self._options.on_error == "fail":
                raise InvalidOtlp(f"{stats.file}: {place(message)}")
            if stats.first_error is None:
                stats.first_error = message.problem
                stats.error_line = message.line or None
                stats.error_offset = message.offset
            return
        stats.records += message.size > 0
        stats.clipped += message.clipped
        is_other = message.signal is not None and message.signal not in self._signals
        stats.other_signals += is_other

    def _uncount(self, message: Message) -> None:
        """A message without a problem that is counted again as what becomes of it."""
        self.stats.records -= message.size > 0
        self.stats.clipped -= message.clipped

    @property
    def _signals(self) -> frozenset[Signal]:
        return TABLES[self._options.kind].signals

    def _rows(self, pending: "_Pending") -> list[pa.RecordBatch]:
        found = []
        for signal, resources, bodies in pending.take():
            found += self._bodies(bodies) if bodies else [rows(pending.kind, signal, resources)]
        self.stats.rows += sum(batch.num_rows for batch in found)
        return found

    def _bodies(self, bodies: Sequence[Message]) -> list[pa.RecordBatch]:
        """Rows of requests that are not parsed yet: by columns, or by messages if that is odd."""
        is_json = bodies[0].is_json
        contents = [message.body for message in bodies]
        if sum(map(len, contents)) >= COLUMNS_BYTES_MIN:
            with suppress(Unusual):
                return [(json_span_rows if is_json else wire_span_rows)(contents)]
        parse = self._parsed_line if is_json else _parsed_protobuf
        room = _Room()
        resources: list[Any] = []
        for message in bodies:
            self._uncount(message)
            for found in map(room.checked, parse(message)):
                self._count(found)
                resources += found.resources
        return [trace_rows(resources)]

    def _parsed_line(self, message: Message) -> Iterator[Message]:
        leniency = Leniency()
        token = LENIENCY.set(leniency)
        try:
            found = list(parsed_line(message, Wanted(self._signals)))
        finally:
            LENIENCY.reset(token)
        self._leniency.values += leniency.values
        self.stats.lenient = self._leniency.values
        return iter(found)

    def _finish(self) -> None:
        stats = self.stats
        stats.finished = True
        if stats.skipped:
            where = f"line {stats.error_line}, " if stats.error_line else ""
            text = (
                f"{stats.file}: skipped {stats.skipped} malformed of "
                f"{counted(stats.records + stats.skipped, 'record')}; the first at "
                f"{where}byte {stats.error_offset}: {stats.first_error}"
            )
            warnings.warn(text, SkippedRecords, stacklevel=2)


def _parsed_protobuf(message: Message) -> Iterator[Message]:
    try:
        request = cast("ExportTraceServiceRequest", parse_protobuf("traces", message.body))
    except InvalidOtlp as error:
        yield replace(message, body=b"", problem=error.message)
        return
    yield replace(message, body=b"", resources=request.resource_spans)


def place(message: Message) -> str:
    """Where a problem is, and what."""
    where = f"line {message.line}, byte {message.offset}" if message.line else ""
    return f"{where or f'byte {message.offset}'}: {message.problem}"


class _Room:
    """How much the resources of one group may still be repeated in its rows."""

    def __init__(self) -> None:
        self._left = REPEATED_BYTES_MAX

    def checked(self, message: Message) -> Message:
        """The message, or that it would make the rows of the group too large."""
        if not message.resources or message.signal is None:
            return message
        size = repeated_bytes_of(message.signal, message.resources)
        if size > self._left:
            problem = f"with its neighbours it repeats more than {REPEATED_BYTES_MAX} bytes"
            return replace(message, resources=(), problem=problem)
        self._left -= size
        return message


class _Pending:
    """Messages whose rows are not made yet, neighbours of one signal and form together."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.bytes = 0
        self.room = _Room()
        self._parts: list[tuple[Signal, list[Any], list[Message]]] = []

    def add(self, message: Message) -> None:
        self.bytes += message.size
        if message.signal is None or not (message.resources or message.body):
            return
        last = self._parts[-1] if self._parts else None
        if last is None or last[0] != message.signal or _form(last[2]) != _form([message]):
            last = (message.signal, [], [])
            self._parts.append(last)
        if message.body:
            last[2].append(message)
        else:
            last[1].extend(message.resources)

    def take(self) -> list[tuple[Signal, list[Any], list[Message]]]:
        """(signal, resources, unparsed messages), each with one of the two."""
        found, self._parts, self.bytes, self.room = self._parts, [], 0, _Room()
        return found


def _form(messages: Sequence[Message]) -> tuple[bool, bool]:
    """What may not stand beside another: parsed, protobuf, JSON."""
    first = messages[0] if messages else None
    return bool(first and first.body), bool(first and first.is_json)

"""The messages of a file in order: each some resources of one signal, or why it is skipped.

Spans that hold too much are clipped, in JSON as in protobuf. Protobuf goes the way that export
requests go, of which nothing large is parsed as a whole.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.otlp.clip import Clipped
from indexer.otlp.clip_parsed import clip_parsed
from indexer.otlp.files.byte_stream import ByteStream, DamagedStream, inflate
from indexer.otlp.files.formats import MESSAGE_BYTES_MAX, PREFIX_BYTES, Framing, is_json
from indexer.otlp.files.json_documents import Document, documents, documents_of_line
from indexer.otlp.files.repeated_bytes import MEMBERS, repeated_bytes_of
from indexer.otlp.files.signals import has_outer_shape, signal_of_message
from indexer.otlp.json_mapping import NotThisMessage, read_message
from indexer.otlp.json_reader import DECODER
from indexer.otlp.other_formats import known_key
from indexer.otlp.portions import portions
from indexer.otlp.requests import Signal, parse_protobuf, within_repeated_bytes
from indexer.otlp.wire_fields import read_varint

KEYS: dict[str, Signal] = {
    "resourceSpans": "traces",
    "resourceLogs": "logs",
    "resourceMetrics": "metrics",
}
_KINDS: dict[Signal, Any] = {
    "traces": ResourceSpans,
    "logs": ResourceLogs,
    "metrics": ResourceMetrics,
}
_RESOURCE_LEVEL = 2
_JOINED_BYTES = 1 << 20
"""Of a file that is one message, so much is parsed together."""
_VARINT_BYTES_MAX = 10
_RESOURCES_KEY = 0x0A
"""Field 1 of bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Some resources of a signal. With a problem there are none."""

    signal: Signal | None = None
    resources: Any = ()
    """ResourceSpans, ResourceLogs or ResourceMetrics; empty if the signal is not wanted."""
    body: bytes = b""
    """Or a request for traces that is not parsed yet: protobuf, or JSON in one line."""
    line: int = 0
    """From 1, where a file has lines."""
    offset: int
    """Bytes of the inflated file before it."""
    size: int
    problem: str = ""
    clipped: int = 0
    """Spans, resources and scopes in it that had more than one may."""

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON; protobuf begins with the key of field 1."""
        return self.body[:1] == b"{"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which signals are to be parsed, and the one that protobuf is said to have, if any."""

    signals: frozenset[Signal]
    hint: Signal | None = None
    bodies: bool = False
    """Whether requests for traces are wanted as they are."""


def messages(stream: ByteStream, framing: Framing, wanted: Wanted) -> Iterator[Message]:
    """The messages of a file, damaged ones among them. Raises nothing of its own."""
    if framing == "json":
        for document in documents(stream, raw=wanted.bodies):
            yield from _of_document(document, wanted)
    elif framing == "protobuf":
        yield from _of_one_message(stream, wanted)
    elif framing != "empty":
        yield from _of_frames(stream, framing, wanted)
    if stream.damage is not None:
        yield Message(offset=stream.offset, size=0, problem=str(stream.damage))


def parsed_line(message: Message, wanted: Wanted) -> Iterator[Message]:
    """The messages of a line of JSON that was left as it is."""
    for document in documents_of_line(message.body, message.line, message.offset):
        yield from _of_document(document, wanted)


def _of_document(document: Document, wanted: Wanted) -> Iterator[Message]:
    place: dict[str, Any] = {
        "line": document.line,
        "offset": document.offset,
        "size": document.size,
    }
    if document.problem:
        yield Message(**place, problem=document.problem)
        return
    if document.raw:
        yield Message(signal="traces", body=document.raw, **place)
        return
    try:
        yield from [Message(**{**place, **one}) for one in _of_value(document.value, wanted)]
    except (NotThisMessage, InvalidOtlp) as error:
        yield Message(**place, problem=f"invalid OTLP: {error}")


def _of_value(value: Any, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """For each signal of a document its resources. Raises NotThisMessage, and InvalidOtlp."""
    if not isinstance(value, dict):
        raise NotThisMessage(f"a JSON {type(value).__name__} where an object should be")
    found = [key for key in KEYS if key in value]
    if not found and value:
        names = ", ".join(repr(key[:40]) for key in list(value)[:5])
        raise NotThisMessage(
            known_key(value)
            or f"an object of {names}, without resourceSpans, resourceLogs or resourceMetrics"
        )
    for key in found:
        signal = KEYS[key]
        elements = value[key] or []
        if signal not in wanted.signals:
            yield {"signal": signal}
            continue
        if not isinstance(elements, list):
            raise NotThisMessage(f"{key} is not an array")
        resources = [
            read_message(_KINDS[signal], element, _RESOURCE_LEVEL)
            for element in elements
            if element is not None
        ]
        clipped = clip_parsed(resources).messages if signal == "traces" else 0
        within_repeated_bytes(repeated_bytes_of(signal, resources))
        yield {"signal": signal, "resources": resources, "clipped": clipped}
    if not found:
        yield {}


def _of_one_message(stream: ByteStream, wanted: Wanted) -> Iterator[Message]:
    """A file that is one message, or several without anything between: field by field."""
    signal = wanted.hint
    for offset, fields in _joined_fields(stream):
        if isinstance(fields, Message):
            yield fields
            continue
        whole = b"".join(fields)
        signal = signal or signal_of_message(whole)
        if not wanted.bodies or signal != "traces":
            found = list(_of_bytes(whole, offset, wanted, signal))
            if len(fields) == 1 or not any(one.problem for one in found):
                yield from found
                continue
        for part, before in zip(fields, accumulate(map(len, fields), initial=0), strict=False):
            yield from _of_bytes(part, offset + before, wanted, signal)


def _joined_fields(stream: ByteStream) -> Iterator[tuple[int, list[bytes] | Message]]:
    """(offset, neighbouring whole fields of number 1), or why there are no more."""
    begin, size = stream.offset, 0
    fields: list[bytes] = []
    while head := stream.peek(2 * _VARINT_BYTES_MAX):
        offset = stream.offset
        try:
            key, at = read_varint(head, 0)
            length, at = read_varint(head, at)
        except (IndexError, InvalidOtlp):
            key = length = at = 0
        if key != _RESOURCES_KEY or length > MESSAGE_BYTES_MAX:
            problem = "no field of resources where one should begin"
            if fields:
                yield begin, fields
            yield offset, Message(offset=offset, size=0, problem=problem)
            return
        part = stream.take(at + length)
        if len(part) < at + length:
            if fields:
                yield begin, fields
            problem = "the file ends within a message"
            yield offset, Message(offset=offset, size=len(part), problem=problem)
            return
        fields.append(part)
        size += len(part)
        if size >= _JOINED_BYTES:
            yield begin, fields
            begin, fields, size = stream.offset, [], 0
    if fields:
        yield begin, fields


def _of_frames(stream: ByteStream, framing: Framing, wanted: Wanted) -> Iterator[Message]:
    while head := stream.peek(_VARINT_BYTES_MAX):
        offset = stream.offset
        try:
            length, at = _prefix(head, framing)
        except (IndexError, InvalidOtlp):
            size = stream.skip(len(head))
            problem = "the file ends within a length"
            yield Message(offset=offset, size=size, problem=problem)
            return
        if length > MESSAGE_BYTES_MAX:
            problem = f"a message of {length} bytes, limit {MESSAGE_BYTES_MAX}"
            yield Message(offset=offset, size=at, problem=problem)
            return
        stream.take(at)
        payload = stream.take(length)
        if len(payload) < length:
            problem = "the file ends within a message"
            yield Message(offset=offset, size=len(payload), problem=problem)
            return
        yield from _of_payload(payload, offset, wanted)


def _prefix(head: bytes, framing: Framing) -> tuple[int, int]:
    """(length of the message, where it begins)."""
    if framing == "varint-delimited":
        return read_varint(head, 0)
    if len(head) < PREFIX_BYTES:
        raise IndexError
    return int.from_bytes(head[:PREFIX_BYTES], "big"), PREFIX_BYTES


def _of_payload(payload: bytes, offset: int, wanted: Wanted) -> Iterator[Message]:
    """A message that may be compressed by itself, and JSON or protobuf."""
    try:
        payload = inflate(payload, MESSAGE_BYTES_MAX)
    except DamagedStream as problem:
        yield Message(offset=offset, size=len(payload), problem=str(problem))
        return
    if not is_json(payload):
        signal = wanted.hint or signal_of_message(payload)
        yield from _of_bytes(payload, offset, wanted, signal)
        return
    try:
        value = DECODER.decode(payload.decode())
    except (ValueError, RecursionError) as error:
        yield Message(offset=offset, size=len(payload), problem=f"invalid JSON: {error}")
        return
    yield from _of_document(Document(value, 0, offset, len(payload)), wanted)


def _of_bytes(data: bytes, offset: int, wanted: Wanted, signal: Signal | None) -> Iterator[Message]:
    """An export request of the signal. None is right for one without a record."""
    size = len(data)
    if signal is None:
        is_empty = has_outer_shape(data)
        problem = "" if is_empty else "bytes that are not an OTLP export request"
        yield Message(offset=offset, size=size, problem=problem)
        return
    if signal not in wanted.signals:
        yield Message(signal=signal, offset=offset, size=size)
        return
    clipped, counted = Clipped(), 0
    try:
        parts = portions(data, clipped=clipped) if signal == "traces" else [data]
        for part in parts:
            more, counted = clipped.messages - counted, clipped.messages
            if signal == "traces" and wanted.bodies:
                yield Message(signal=signal, body=part, offset=offset, size=size, clipped=more)
                size = 0
                continue
            request = parse_protobuf(signal, part)
            resources = getattr(request, MEMBERS[signal][0])
            if signal != "traces":  # of which the parser has seen to it
                within_repeated_bytes(repeated_bytes_of(signal, resources))
            yield Message(
                signal=signal, resources=resources, offset=offset, size=size, clipped=more
            )
            size = 0
    except InvalidOtlp as error:
        yield Message(offset=offset, size=size, problem=error.message)

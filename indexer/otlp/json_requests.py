"""Trace requests in OTLP's JSON as the protobuf that is stored, one span in hand at a time.

An invalid span is rejected alone. Only where the document is not a request is all of it
refused. Names that are not OTLP's are passed over by rule; well-known wrong ones are pointed out.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import field
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidOtlp
from indexer.otlp import skeleton
from indexer.otlp.admission import Admission, admit
from indexer.otlp.json_mapping import NotThisMessage, read_message, read_text
from indexer.otlp.json_reader import JsonReader, TooManyTokens, check_tokens
from indexer.otlp.other_formats import known_key, misspelt_key
from indexer.otlp.rejections import NO_TRACE_ID, Rejections
from indexer.otlp.request_limits import REQUEST_LIMITS, MessageCount, RequestLimits
from indexer.otlp.wire_fields import field as wire_field

_RESOURCE_LEVEL, _SCOPE_LEVEL, _SPAN_LEVEL = 3, 4, 4
"""Messages around and including each: the depth that protobuf's parser counts."""
_SCHEMA_URL = 3
TOKENS_A_PART = 5
"""Brackets and commas of an attribute, with a share of those of its event."""


def admit_json(body: bytes, limits: RequestLimits = REQUEST_LIMITS) -> Admission:
    """What becomes of a trace request in JSON.

    Raises InvalidOtlp for an invalid one, OtlpTooLarge for one beyond limits.
    """
    tokens = check_tokens(body, limits.messages)
    rejections = Rejections()
    try:
        reader = JsonReader(body.decode("utf-8-sig"))
        stored = _Document(reader, rejections, limits, tokens).request()
    except (ValueError, NotThisMessage, TooManyTokens) as error:
        raise InvalidOtlp(f"invalid traces request in JSON: {error}") from error
    except RecursionError as error:
        raise InvalidOtlp("invalid traces request in JSON: nested too deeply") from error
    return admit(stored, limits, rejections)


@dataclass(slots=True)
class _Owner:
    """A ResourceSpans or ScopeSpans while it is read, of which the order of members is free."""

    head: bytes = b""
    inner: list[bytes] = field(default_factory=list)
    spans: int = 0
    problem: str = ""
    """Why its own resource or scope cannot be read, which costs its spans."""


class _Document:
    """One document, from its first byte to its last."""

    def __init__(
        self, reader: JsonReader, rejections: Rejections, limits: RequestLimits, tokens: int
    ) -> None:
        self._reader = reader
        span = limits.span
        self._tokens_max = TOKENS_A_PART * (
            span.attributes + span.events + span.links + span.values
        )
        self._is_light = tokens <= self._tokens_max
        self._count = MessageCount(limits.messages)
        """Resources, scopes and spans; those that become protobuf are counted with their parts."""
        self._rejections = rejections

    def request(self) -> bytes:
        """The serialised ExportTraceServiceRequest. Raises ValueError and NotThisMessage."""
        resources: list[bytes] = []
        unknown: list[str] = []
        understood = False
        for key in self._members():
            if key == "resourceSpans":
                understood = True
                resources += [self._resource_spans() for _ in self._elements(key)]
            else:
                self._pass_over()
                unknown.append(key)
        self._reader.end()
        self._note_unknown(unknown, understood=understood)
        return bytes(skeleton.Request(resource_spans=resources).SerializeToString())

    def _note_unknown(self, unknown: list[str], *, understood: bool) -> None:
        known = known_key(unknown)
        if known and not understood:
            raise InvalidOtlp(f"invalid traces request: {known}")
        self._rejections.note(f"not understood: {known}" if known else "")
        if not understood and unknown and not self._rejections.notes:
            names = ", ".join(repr(key[:40]) for key in unknown[:5])
            self._rejections.note(f"nothing was understood: {names}, where resourceSpans may stand")

    def _resource_spans(self) -> bytes:
        self._count.add(1)
        owner = _Owner()
        for key in self._members():
            if key == "scopeSpans":
                for _ in self._elements(key):
                    owner.inner.append(self._scope_spans(owner))
            elif key == "resource":
                self._read_own(owner, Resource, _RESOURCE_LEVEL)
            else:
                self._read_other(owner, key)
        if owner.problem:
            self._reject(f"of an invalid resource: {owner.problem}", owner.spans)
            return b""
        if not owner.head and not owner.inner:
            return b""
        scopes = skeleton.ResourceSpans(scope_spans=filter(None, owner.inner))
        return owner.head + bytes(scopes.SerializeToString())

    def _scope_spans(self, resource: _Owner) -> bytes:
        self._count.add(1)
        owner = _Owner()
        for key in self._members():
            if key == "spans":
                self._read_spans(owner)
            elif key == "scope":
                self._read_own(owner, InstrumentationScope, _SCOPE_LEVEL)
            else:
                self._read_other(owner, key)
        if owner.problem:
            self._reject(f"of an invalid scope: {owner.problem}", len(owner.inner))
            return b""
        resource.spans += len(owner.inner)
        if not owner.head and not owner.inner:
            return b""
        return owner.head + bytes(skeleton.ScopeSpans(spans=owner.inner).SerializeToString())

    def _read_spans(self, owner: _Owner) -> None:
        without_id = 0
        for _ in self._elements("spans"):
            self._count.add(1)
            try:
                value = self._value()
            except TooManyTokens as problem:
                self._reject(f"with {problem}, limit {self._tokens_max}", 1)
                continue
            if isinstance(value, dict) and not value.get("traceId"):
                without_id += 1  # a million of these cost seconds as messages
                if value:
                    self._note_misspelt(value)
            else:
                self._read_span(owner, value)
        self._reject(NO_TRACE_ID, without_id)

    def _read_span(self, owner: _Owner, value: Any) -> None:
        try:
            span = read_message(Span, value, _SPAN_LEVEL)
        except NotThisMessage as problem:
            self._reject(f"invalid at {problem}", 1)
        else:
            owner.inner.append(span.SerializeToString())

    def _read_own(self, owner: _Owner, kind: type[Message], level: int) -> None:
        try:
            value = self._value()
            if value is None:
                return
            owner.head += wire_field(1, read_message(kind, value, level).SerializeToString())
        except (NotThisMessage, TooManyTokens) as problem:
            owner.problem = str(problem)

    def _read_other(self, owner: _Owner, key: str) -> None:
        if key != "schemaUrl":
            self._pass_over()
            self._note_misspelt([key])
            return
        value = self._value()
        if value is not None:
            owner.head += wire_field(_SCHEMA_URL, read_text(value).encode())

    def _value(self) -> Any:
        """The value at the cursor. Raises TooManyTokens for more than a span of limits has."""
        if self._is_light:
            return self._reader.value()
        return self._reader.value_within(self._tokens_max)

    def _pass_over(self) -> None:
        with suppress(TooManyTokens):
            self._value()

    def _note_misspelt(self, keys: Any) -> None:
        self._rejections.note(misspelt_key(keys))

    def _reject(self, reason: str, spans: int) -> None:
        if spans:
            self._rejections.spans += spans
            self._rejections.reject(reason, spans=spans)

    def _members(self) -> Iterator[str]:
        if not self._reader.next_is("{"):
            raise ValueError("expected an object")
        return self._reader.members()

    def _elements(self, key: str) -> Iterator[None]:
        """Of an array; null is none of them."""
        if self._reader.next_is("["):
            yield from self._reader.elements()
        elif self._reader.value() is not None:
            raise ValueError(f"{key}: expected an array")

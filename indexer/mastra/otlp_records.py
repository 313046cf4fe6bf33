"""Spans that Mastra's OpenTelemetry exporter has sent, as records of Mastra: the one mapping. Pure.

Keys are those that ``@mastra/otel-exporter`` writes. ``LOST`` names what it does not send, or not
so that it can be told.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic.alias_generators import to_camel

from indexer.deferred_dataclass import dataclass
from indexer.mastra.json_values import json_value

SPAN_TYPE = "mastra.span.type"
"""The attribute that each span of the exporter has, and no other span."""

LOST = (
    ("name", "spans are named by what they do, as in `chat gpt-5`"),
    ("entityType", "told by the span type, where that has one"),
    ("entityId, entityName", "of agents, models, tools and workflow steps alone"),
    ("attributes", "of the keys of the conventions and of `mastra.`; the provider is normalised"),
    ("links, requestContext, scope, isEvent", "an event is told by its status, which is unset"),
    ("input, output", "text and the JSON of a structure look alike; of models, as messages"),
    ("metadata", "nulls are left out, and text and the JSON of a structure look alike"),
    ("tags", "of roots alone"),
)
"""(What a record has, what is left of it over OTLP)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ERROR = 2
_ENTITY_TYPES = {
    "agent_run": "agent",
    "tool_call": "tool",
    "client_tool_call": "tool",
    "provider_tool_call": "tool",
    "mcp_tool_call": "tool",
    "mcp_server_request": "mcp_server",
    "memory_operation": "memory",
    "rag_ingestion": "rag_ingestion",
    "scorer_run": "scorer",
    "workflow_run": "workflow_run",
    "workflow_step": "workflow_step",
}
_ENTITY_IDS = ("gen_ai.agent.id", "gen_ai.tool.name", "mastra.workflow_step.step_id")
_ENTITY_NAMES = ("gen_ai.agent.name", "gen_ai.tool.name")
_METADATA = "mastra.metadata."
_USAGE, _PARAMETERS = "gen_ai.usage.", "gen_ai.request."
_PLACES: Mapping[str, tuple[str, ...]] = {
    "gen_ai.request.model": ("model",),
    "gen_ai.provider.name": ("provider",),
    "gen_ai.response.model": ("responseModel",),
    "gen_ai.response.id": ("responseId",),
    "gen_ai.system_instructions": ("instructions",),
    "gen_ai.tool.definitions": ("availableTools",),
    "gen_ai.tool.type": ("toolType",),
    "gen_ai.tool.description": ("toolDescription",),
    "gen_ai.tool.call.id": ("toolCallId",),
    "gen_ai.conversation.id": ("conversationId",),
    "mastra.completion_start_time": ("completionStartTime",),
    "mastra.mcp_tool_call.server_name": ("mcpServer",),
    "server.address": ("serverAddress",),
    "server.port": ("serverPort",),
    f"{_PARAMETERS}temperature": ("parameters", "temperature"),
    f"{_PARAMETERS}max_tokens": ("parameters", "maxOutputTokens"),
    f"{_PARAMETERS}top_p": ("parameters", "topP"),
    f"{_PARAMETERS}top_k": ("parameters", "topK"),
    f"{_PARAMETERS}presence_penalty": ("parameters", "presencePenalty"),
    f"{_PARAMETERS}frequency_penalty": ("parameters", "frequencyPenalty"),
    f"{_PARAMETERS}stop_sequences": ("parameters", "stopSequences"),
    f"{_PARAMETERS}seed": ("parameters", "seed"),
    f"{_USAGE}input_tokens": ("usage", "inputTokens"),
    f"{_USAGE}output_tokens": ("usage", "outputTokens"),
    f"{_USAGE}reasoning_tokens": ("usage", "outputDetails", "reasoning"),
    f"{_USAGE}audio_output_tokens": ("usage", "outputDetails", "audio"),
    f"{_USAGE}audio_input_tokens": ("usage", "inputDetails", "audio"),
    f"{_USAGE}cache_read.input_tokens": ("usage", "inputDetails", "cacheRead"),
    f"{_USAGE}cache_creation.input_tokens": ("usage", "inputDetails", "cacheWrite"),
    f"{_USAGE}cache_creation.5m_input_tokens": ("usage", "inputDetails", "cacheWrite5m"),
    f"{_USAGE}cache_creation.1h_input_tokens": ("usage", "inputDetails", "cacheWrite1h"),
}
"""Where a value is in the attributes of a record."""
_INPUTS = ("gen_ai.input.messages", "gen_ai.tool.call.arguments")
_OUTPUTS = ("gen_ai.output.messages", "gen_ai.tool.call.result")
_FINISH_REASONS = "gen_ai.response.finish_reasons"
_CONVERSATION = "gen_ai.conversation.id"
_TAGS = "mastra.tags"
_ELSEWHERE = frozenset(
    {
        *(SPAN_TYPE, _TAGS, _FINISH_REASONS, "gen_ai.operation.name"),
        *(*_INPUTS, *_OUTPUTS, *_ENTITY_IDS, *_ENTITY_NAMES),
        *("error.type", "error.message", "error.domain", "error.category"),
        "gen_ai.embeddings.dimension.count",
    }
)
"""What a record has otherwise, or twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSpan:
    """A span as it came over OTLP; times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    service_name: str
    name: str
    start_unix_nano: int
    end_unix_nano: int | None
    status_code: int
    status_message: str | None
    attributes: Mapping[str, Any]
    events: Sequence[Any] = ()


def record_of_otlp(span: OtlpSpan) -> dict[str, Any] | None:
    """What a record of Mastra says of it, by Mastra's names; None of another sender's span.

    IDs that Mastra lifts out of the metadata are in the metadata.
    """
    given = span.attributes
    kind = given.get(SPAN_TYPE)
    if not isinstance(kind, str) or not kind:
        return None
    is_event = span.status_code == 0 and span.end_unix_nano in (None, span.start_unix_nano)
    metadata = _metadata(given)
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_span_id,
        "name": span.name,
        "spanType": kind,
        "isEvent": is_event,
        "startedAt": _time(span.start_unix_nano),
        "endedAt": None if is_event or not span.end_unix_nano else _time(span.end_unix_nano),
        "entityType": _ENTITY_TYPES.get(kind),
        "entityId": _first(given, _ENTITY_IDS),
        "entityName": _first(given, _ENTITY_NAMES),
        "serviceName": span.service_name,
        "threadId": _text(given.get(_CONVERSATION)),
        "metadata": metadata or None,
        "tags": _tags(given.get(_TAGS)),
        "attributes": _attributes(given, kind) or None,
        "input": _structure(_first(given, (*_INPUTS, f"mastra.{kind}.input"))),
        "output": _structure(_first(given, (*_OUTPUTS, f"mastra.{kind}.output"))),
        "error": _error(span) if span.status_code == _ERROR else None,
    }


def _attributes(given: Mapping[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    own = f"mastra.{kind}."
    taken = _ELSEWHERE | {f"{own}input", f"{own}output"}
    for key, value in given.items():
        if key in taken or key.startswith(_METADATA):
            continue
        place = _PLACES.get(key)
        if place is None:
            place = (to_camel(key.removeprefix(own)),) if key.startswith(own) else (key,)
        _put(found, place, _structure(value))
    reasons = _structure(given.get(_FINISH_REASONS))
    if isinstance(reasons, list) and reasons:
        found["finishReason"] = reasons[0]
    return found


def _put(found: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    *outer, name = place
    for one in outer:
        found = found.setdefault(one, {})
    found[name] = value


def _metadata(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.removeprefix(_METADATA): _structure(value)
        for key, value in given.items()
        if key.startswith(_METADATA)
    }


def _structure(value: Any) -> Any:
    """The object or list whose JSON a text is; any other value as it is."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return json_value(value)
    except (ValueError, RecursionError):
        return value


def _tags(value: Any) -> list[str] | None:
    found = _structure(value)
    return [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else None


def _error(span: OtlpSpan) -> dict[str, Any]:
    given = span.attributes
    message = span.status_message or _text(given.get("error.message")) or ""
    error: dict[str, Any] = {"message": message}
    if (name := given.get("error.type")) not in (None, "unknown"):
        error["id"] = name
    for key in ("domain", "category"):
        if f"error.{key}" in given:
            error[key] = given[f"error.{key}"]
    for event in span.events:
        if isinstance(event, Mapping) and event.get("name") == "exception":
            more = event.get("attributes")
            if isinstance(more, Mapping) and more.get("exception.stacktrace"):
                error["details"] = {"stack": more["exception.stacktrace"]}
    return error


def _first(given: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((given[key] for key in keys if key in given), None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _time(unix_nano: int) -> datetime:
    return _EPOCH + timedelta(microseconds=unix_nano // 1_000)

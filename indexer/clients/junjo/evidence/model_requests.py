"""Requests of an agent to its model, by their spans. Pure."""

from dataclasses import field
from typing import Any, Literal

from indexer.clients.junjo.evidence.operations import (
    Operation,
    common_fields,
    only_of_completed,
)
from indexer.clients.junjo.evidence.payloads import candidate, payload
from indexer.clients.junjo.evidence.portable import NotPortable, parse_portable
from indexer.clients.junjo.evidence.reader import AttributeReader, is_count
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.clients.junjo.evidence.tool_calls import RequestedCall
from indexer.clients.junjo.evidence.values import Candidate, Payload
from indexer.deferred_dataclass import dataclass

MODEL_REQUEST: Literal["model_request"] = "model_request"
_MODEL = "junjo.agent.model"
_RESPONSE, _RESPONSE_TYPE, _USAGE = (
    f"{_MODEL}.response",
    f"{_MODEL}.response_type",
    f"{_MODEL}.usage",
)
_TOKENS = {
    "input_tokens": "inputTokens",
    "output_tokens": "outputTokens",
    "cached_input_tokens": "cachedInputTokens",
    "reasoning_tokens": "reasoningTokens",
    "total_tokens": "totalTokens",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsage:
    """What the provider of the model said; None where it did not."""

    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None
    reasoning_tokens: int | None
    total_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest(Operation):
    """Response and its type go together, and only a completed request has them."""

    operation_type: Literal["model_request"] = field(default=MODEL_REQUEST)
    state_revision: int
    driver_key: str
    provider: str
    model_name: str
    request: Payload
    response_candidate: Candidate
    response_type: Literal["final_output", "tool_calls"] | None = None
    response: Payload | None = None
    usage: TokenUsage | None = None
    requested_tool_calls: tuple[RequestedCall, ...] = ()


def model_request(source: SourceSpan, reader: AttributeReader) -> ModelRequest | None:
    """The request of a span, its calls still to be added; None for one that breaks a rule."""
    common = common_fields(source, reader, "junjo.agent.model_request.ordinal")
    revision = reader.count("junjo.agent.model_request.state_revision", required=True)
    driver, provider, name = (
        reader.text(f"{_MODEL}.{one}", required=True) for one in ("driver_key", "provider", "name")
    )
    if common is None or revision is None or driver is None or provider is None or name is None:
        return None
    response = _response(reader, common["outcome"])
    if response is None:
        return None
    return ModelRequest(
        **common,
        state_revision=revision,
        driver_key=driver,
        provider=provider,
        model_name=name,
        request=payload(reader, f"{_MODEL}.request"),
        response_candidate=candidate(reader, f"{_MODEL}.response_candidate"),
        **response,
    )


def _response(reader: AttributeReader, outcome: str) -> dict[str, Any] | None:
    """The fields that only a completed request has; None where it lacks the type."""
    if outcome != "completed":
        only_of_completed(reader, (_RESPONSE, _RESPONSE_TYPE, _USAGE), outcome)
        return {}
    response_type = reader.choice(_RESPONSE_TYPE, ("final_output", "tool_calls"), required=True)
    if response_type is None:
        return None
    return {
        "response_type": response_type,
        "response": payload(reader, _RESPONSE),
        "usage": _usage(reader),
    }


def _usage(reader: AttributeReader) -> TokenUsage | None:
    text = reader.text(_USAGE)
    if text is None:
        return None
    try:
        value = parse_portable(text)
    except NotPortable as error:
        reader.invalid(_USAGE, str(error))
        return None
    if not isinstance(value, dict):
        reader.invalid(_USAGE, "expected an object")
        return None
    return TokenUsage(**{field: _tokens(reader, value, name) for field, name in _TOKENS.items()})


def _tokens(reader: AttributeReader, usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    if value is None:
        return None
    if is_count(value, 0):
        return value
    reader.invalid(f"{_USAGE}.{name}", "expected an integer from 0 to 2^53-1")
    return None

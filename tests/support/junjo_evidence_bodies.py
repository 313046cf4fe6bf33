"""Bodies of Junjo's front end 0.82, as strictly as it takes them: traces, runs, resolutions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from tests.support.junjo_evidence_values import (
    AgentStructuralId,
    Cancellation,
    Candidate,
    Failure,
    Int0,
    Int1,
    Integrity,
    Issue,
    Outcome,
    Payload,
    Service,
    SpanId,
    Store,
    StoreDetail,
    Strict,
    Text,
    Time,
    ToolStructuralId,
    TraceId,
)

FAILURES = {
    "input_validation_error",
    "history_validation_error",
    "limit_exceeded",
    "model_error",
    "model_response_error",
    "unknown_tool",
    "tool_input_validation_error",
    "tool_error",
    "tool_output_validation_error",
    "output_validation_error",
    "internal_error",
}
ADMISSIONS: dict[str, set[str | None]] = {
    "admitted": {None, "execution_interrupted"},
    "not_admitted": {
        "tool_input_validation_error",
        "unknown_tool",
        "limit_exceeded",
        "batch_preflight_rejected",
    },
    "unknown": {"store_evidence_unavailable"},
}


class Workflow(Strict):
    executable_type: Literal["workflow", "subflow"]
    owner_span_id: SpanId
    name: Text
    definition_id: Text | None
    runtime_id: Text | None
    structural_id: Text | None
    store_id: Text | None
    unavailable_store: StoreDetail | None
    integrity: Integrity


class Limits(Strict):
    model_requests: Int1
    tool_calls: Int1


class ToolCallCounts(Strict):
    requested: Int0
    admitted: Int0
    started: Int0
    completed: Int0


class Counts(Strict):
    operations: Int0
    model_requests: Int0
    tool_calls: ToolCallCounts


class Sum(Strict):
    sum: Int0
    observations: Int1


class Usage(Strict):
    model_responses: Int0
    fields: dict[
        Literal[
            "inputTokens", "outputTokens", "cachedInputTokens", "reasoningTokens", "totalTokens"
        ],
        Sum,
    ]


class Summary(Strict):
    trace_id: TraceId
    agent_span_id: SpanId
    service: Service
    agent_key: Text
    agent_name: Text
    structural_id: AgentStructuralId
    definition_id: Text
    runtime_id: Text
    start_time: Time
    end_time: Time
    duration_ns: Int0
    outcome: Outcome
    termination_reason: str
    limits: Limits
    counts: Counts
    usage: Usage

    @model_validator(mode="after")
    def _reason_and_counts_agree(self) -> Self:
        reasons = {"completed": {"final_output"}, "cancelled": {"cancelled"}, "failed": FAILURES}
        assert self.termination_reason in reasons[self.outcome]
        calls, requests = self.counts.tool_calls, self.counts.model_requests
        assert calls.completed <= calls.started <= calls.admitted <= calls.requested
        assert calls.admitted <= self.limits.tool_calls
        assert self.usage.model_responses <= requests
        assert requests <= min(self.limits.model_requests, self.counts.operations)
        return self


class Agent(Strict):
    executable_type: Literal["agent"]
    owner_span_id: SpanId
    runtime_id: Text
    store_id: Text | None
    unavailable_store: StoreDetail | None
    summary: Summary
    definition: Payload
    input: Payload | None
    output: Payload | None
    input_candidate: Candidate | None
    history_candidate: Candidate | None
    error: Failure | None
    cancellation: Cancellation | None
    integrity: Integrity


class Operation(Strict):
    sequence: Int1
    ordinal: Int1
    span_id: SpanId
    start_time: Time
    end_time: Time
    duration_ns: Int0
    outcome: Outcome
    error: Failure | None
    cancellation: Cancellation | None

    def check_end(self, *, of_completed: tuple[Any, ...], needed: tuple[Any, ...]) -> None:
        """What only a completed one has, and what each completed one has."""
        assert (self.cancellation is not None) is (self.outcome == "cancelled")
        assert self.error is None or self.outcome == "failed"
        if self.outcome == "completed":
            assert None not in needed
        else:
            assert set(of_completed) == {None}


class TokenUsage(Strict):
    input_tokens: Int0 | None
    output_tokens: Int0 | None
    cached_input_tokens: Int0 | None
    reasoning_tokens: Int0 | None
    total_tokens: Int0 | None


class RequestedCall(Strict):
    call_id: Text
    tool_name: Text
    ordinal: Int1
    observed_tool_operation: bool
    admission: Literal["admitted", "not_admitted", "unknown"]
    reason: str | None

    @model_validator(mode="after")
    def _reason_is_of_the_admission(self) -> Self:
        assert self.reason in ADMISSIONS[self.admission]
        if self.admission == "admitted":
            assert (self.reason is None) is self.observed_tool_operation
        return self


class ModelRequest(Operation):
    operation_type: Literal["model_request"]
    state_revision: Int0
    driver_key: Text
    provider: Text
    model_name: Text
    request: Payload
    response_candidate: Candidate
    response_type: Literal["final_output", "tool_calls"] | None
    response: Payload | None
    usage: TokenUsage | None
    requested_tool_calls: list[RequestedCall]

    @model_validator(mode="after")
    def _ends_as_it_says(self) -> Self:
        self.check_end(of_completed=(self.response, self.usage), needed=(self.response,))
        assert (self.response is None) is (self.response_type is None)
        assert not self.requested_tool_calls or self.response_type == "tool_calls"
        return self


class ToolOperation(Operation):
    operation_type: Literal["tool"]
    call_id: Text
    tool_name: Text
    tool_structural_id: ToolStructuralId
    state_revision_before: Int0
    state_revision_after: Int0 | None
    requested_arguments: Payload
    arguments: Payload | None
    result_candidate: Candidate
    result: Payload | None

    @model_validator(mode="after")
    def _ends_as_it_says(self) -> Self:
        after = (self.result, self.state_revision_after)
        self.check_end(of_completed=after, needed=(*after, self.arguments))
        return self


class Reference(Strict):
    executable_type: Literal["workflow", "subflow", "node", "run_concurrent", "agent"]
    trace_id: TraceId
    span_id: SpanId
    service: Service
    definition_id: Text
    runtime_id: Text
    structural_id: Text
    name: Text


class ParentReference(Reference):
    physical_parent_span_id: SpanId


class NestedReference(Reference):
    parent_operation_sequence: Int1
    parent_operation_span_id: SpanId


class Relationships(Strict):
    parent: ParentReference | None
    nested: list[NestedReference]


class Diagnostic(Strict):
    scope: Literal["trace", "executable"]
    owner_span_id: SpanId | None
    issue: Issue


class TraceEvidence(Strict):
    trace_id: TraceId
    spans: list[dict[str, Any]]
    executables_by_span_id: dict[
        SpanId, Annotated[Workflow | Agent, Field(discriminator="executable_type")]
    ]
    operations_by_owner_runtime_id: dict[
        Text,
        dict[
            SpanId,
            Annotated[ModelRequest | ToolOperation, Field(discriminator="operation_type")],
        ],
    ]
    stores_by_id: dict[Text, Store]
    relationships_by_owner_span_id: dict[SpanId, Relationships]
    diagnostics: list[Diagnostic]

    @model_validator(mode="after")
    def _names_are_of_what_they_name(self) -> Self:
        for span_id, executable in self.executables_by_span_id.items():
            assert span_id == executable.owner_span_id
            assert (executable.store_id is None) is (executable.unavailable_store is not None)
            assert executable.store_id is None or executable.store_id in self.stores_by_id
        for store_id, store in self.stores_by_id.items():
            assert store_id == store.store_id == store.detail.store_id
            assert store.owner_span_id in self.executables_by_span_id
        assert self.relationships_by_owner_span_id.keys() <= self.executables_by_span_id.keys()
        return self


class Refusal(Strict):
    code: Literal["unsupported_contract", "unidentifiable_agent"]
    message: Text
    diagnostics: list[Issue]


class Resolution(Strict):
    service_namespace: str
    service_name: Text
    executable_type: Literal["workflow", "subflow", "agent"]
    runtime_id: Text
    trace_id: TraceId
    span_id: SpanId
    detail_path: Annotated[str, Field(pattern="^/")]
    trace_path: Annotated[str, Field(pattern="^/")]


class AmbiguousResolution(Strict):
    code: Literal["ambiguous_execution_identity"]
    message: Text
    match_count: Annotated[int, Field(ge=2)]

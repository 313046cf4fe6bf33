"""The parts that bodies of Junjo's front end 0.82 are made of, as strictly as it takes them."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

INTEGER_MAX = 2**53 - 1


def _text(value: str) -> str:
    assert value
    value.encode()
    return value


def _json(value: Any) -> Any:
    """Nested up to 128 deep, integers as a double holds them."""
    level = [value]
    for _ in range(129):
        for one in level:
            if isinstance(one, str):
                one.encode()
            elif isinstance(one, int | float) and not isinstance(one, bool):
                assert math.isfinite(one)
                assert abs(one) <= INTEGER_MAX or one != int(one)
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    assert not level
    return value


Text = Annotated[str, AfterValidator(_text)]
Int0 = Annotated[int, Field(ge=0, le=INTEGER_MAX)]
Int1 = Annotated[int, Field(ge=1, le=INTEGER_MAX)]
Json = Annotated[Any, AfterValidator(_json)]
TraceId = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
SpanId = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
AgentStructuralId = Annotated[str, Field(pattern="^agent_sha256:[0-9a-f]{64}$")]
ToolStructuralId = Annotated[str, Field(pattern="^tool_sha256:[0-9a-f]{64}$")]
Outcome = Literal["completed", "failed", "cancelled"]


class Strict(BaseModel):
    """Every key is required, and no other is taken."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Issue(Strict):
    code: Text
    path: Text
    message: Text


class LossCounts(Strict):
    resource_dropped_attributes: Int0
    span_dropped_attributes: Int0
    span_dropped_events: Int0
    span_dropped_links: Int0
    event_dropped_attributes: Int0


class Integrity(Strict):
    status: Literal["complete", "partial"]
    diagnostics: list[Issue]
    loss_counts: LossCounts

    @model_validator(mode="after")
    def _partial_exactly_with_an_issue_or_a_loss(self) -> Self:
        is_partial = bool(self.diagnostics) or any(self.loss_counts.model_dump().values())
        assert (self.status == "partial") is is_partial
        return self


class Payload(Strict):
    mode: Literal["full", "redacted", "excluded", "reference", "missing"]
    policy: Text | None
    value: Json
    reference: Text | None
    reason: Text | None

    @model_validator(mode="after")
    def _each_mode_has_its_own(self) -> Self:
        assert (self.policy is None) is (self.mode == "missing")
        assert (self.reference is not None) is (self.mode == "reference")
        assert (self.reason is not None) is (self.mode == "missing")
        assert self.value is None or self.mode in {"full", "redacted"}
        return self


class Candidate(Strict):
    available: bool
    payload: Payload | None
    unavailable_reason: (
        Literal[
            "cancelled",
            "not_returned",
            "not_invoked",
            "service_failed",
            "not_json_serializable",
            "contract_evidence_missing",
        ]
        | None
    )

    @model_validator(mode="after")
    def _payload_or_reason(self) -> Self:
        assert (self.payload is not None) is self.available
        assert (self.unavailable_reason is None) is self.available
        return self


class Failure(Strict):
    type: Text
    message: str | None
    stacktrace: str | None


class Cancellation(Strict):
    reason: Text


class Service(Strict):
    namespace: str
    name: Text
    version: Text | None


class Transition(Strict):
    sequence: Int1
    revision_before: Int0
    revision_after: Int0
    span_id: SpanId
    event_id: Text
    action: Text
    patch: Payload
    before: Json
    after: Json

    @model_validator(mode="after")
    def _the_same_revision_or_the_next(self) -> Self:
        assert self.revision_after - self.revision_before in {0, 1}
        return self


class StoreDetail(Strict):
    available: bool
    store_id: Text | None
    revision_start: Int0 | None
    revision_end: Int0 | None
    transition_count: Int0
    reconstructable_claimed: bool
    reconstructable: bool
    reconstruction_status: Literal["verified", "policy_unavailable", "failed", "not_applicable"]
    reconstruction_reason: Text | None
    start: Payload | None
    end: Payload | None
    transitions: list[Transition]

    @model_validator(mode="after")
    def _status_and_facts_agree(self) -> Self:
        facts = (self.store_id, self.revision_start, self.revision_end, self.start, self.end)
        assert self.available is (self.reconstruction_status != "not_applicable")
        is_verified = self.reconstruction_status == "verified"
        assert is_verified is self.reconstructable is (self.reconstruction_reason is None)
        if not self.available:
            assert set(facts) == {None}
            assert not any((self.transition_count, self.reconstructable_claimed, self.transitions))
        if is_verified:
            assert None not in facts
            assert len(self.transitions) == self.transition_count
        return self


class Store(Strict):
    store_id: Text
    owner_span_id: SpanId
    owner_runtime_id: Text | None
    owner_executable_type: Literal["workflow", "subflow", "agent"]
    detail: StoreDetail
    integrity: Integrity

"""What both types of an agent's operations have: their place, and how they ended. Pure."""

from typing import Any, Literal

from indexer.clients.junjo.evidence.ends import Outcome, cancellation, failure, timing
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.clients.junjo.evidence.values import Cancellation, Failure
from indexer.deferred_dataclass import dataclass
from indexer.spans.columns import STATUS_CODE_ERROR

OPERATION_TYPE = "junjo.agent.operation_type"
"""The attribute that an operation's span is known by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step of an agent's run. A cancelled one has no error, a completed one neither."""

    operation_type: Literal["model_request", "tool"]
    sequence: int
    span_id: str
    start_time: str
    end_time: str
    duration_ns: int
    outcome: Outcome
    error: Failure | None
    cancellation: Cancellation | None
    ordinal: int


def common_fields(
    source: SourceSpan, reader: AttributeReader, ordinal: str
) -> dict[str, Any] | None:
    """Those of ``Operation`` but its type; None where the contract's are missing.

    Of a span that says both, cancelled counts; one with the status of an error failed, whether or
    not it says of what. ``ordinal`` is the attribute that has it.
    """
    sequence = reader.count("junjo.agent.operation.sequence", 1, required=True)
    place = reader.count(ordinal, 1, required=True)
    if sequence is None or place is None:
        return None
    cancelled, failed = cancellation(reader), failure(source, reader)
    is_failed = failed is not None or source.span.status_code == STATUS_CODE_ERROR
    outcome = "failed" if is_failed else "completed"
    when = timing(source.span)
    return {
        "sequence": sequence,
        "ordinal": place,
        "span_id": source.span_id,
        "start_time": when.start_time,
        "end_time": when.end_time,
        "duration_ns": when.duration_ns,
        "outcome": outcome if cancelled is None else "cancelled",
        "error": failed if cancelled is None else None,
        "cancellation": cancelled,
    }


def only_of_completed(reader: AttributeReader, names: tuple[str, ...], outcome: str) -> None:
    """Say what is recorded of an operation that did not complete, and is not shown for that."""
    for name in names:
        if reader.is_there(name):
            message = f"recorded of an operation that {outcome}, and not shown"
            reader.issue("result_without_completion", name, message)

"""Which runs of agents a list is of, and which execution an ID names. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any, Literal

from indexer.clients.junjo.evidence.ends import Outcome
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.services import service_of
from indexer.clients.junjo.evidence.source import CONTRACT, SourceSpan, source_span
from indexer.clients.junjo.evidence.summaries import AgentSummary, agent_summary
from indexer.clients.junjo.evidence.values import ISSUES_MAX, Issue
from indexer.deferred_dataclass import dataclass
from indexer.query.span import Span

ExecutableType = Literal["workflow", "subflow", "agent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """What runs are to be; None does not narrow. Times are in nanoseconds since 1970."""

    service_namespace: str
    service_name: str
    agent_key: str | None = None
    structural_id: str | None = None
    service_version: str | None = None
    outcome: Outcome | None = None
    starts_unix_nano: int | None = None
    """At the earliest."""
    ends_unix_nano: int | None = None
    """At the latest."""

    def is_of_service(self, source: SourceSpan) -> bool:
        """Whether a span is of the service that is asked about."""
        service = service_of(source)
        return (
            service is not None
            and service.name == self.service_name
            and service.namespace == self.service_namespace
        )

    def takes(self, summary: AgentSummary, span: Span) -> bool:
        """Whether a run of that service is in the list."""
        pairs = (
            (self.agent_key, summary.agent_key),
            (self.structural_id, summary.structural_id),
            (self.service_version, summary.service.version),
            (self.outcome, summary.outcome),
        )
        start = span.start_time_unix_nano
        end = span.end_time_unix_nano or start
        return (
            all(wanted is None or wanted == found for wanted, found in pairs)
            and (self.starts_unix_nano is None or self.starts_unix_nano <= start)
            and (self.ends_unix_nano is None or end <= self.ends_unix_nano)
        )


@dataclass(slots=True)
class RunList:
    """The runs of a list so far, and what keeps others from being in it.

    A run that breaks a rule of the contract would have the whole list rejected.
    """

    summaries: list[AgentSummary] = field(default_factory=list)
    unsupported: list[Issue] = field(default_factory=list)
    unidentifiable: list[Issue] = field(default_factory=list)

    def add(self, spans: Iterable[Span], wanted: RunFilter) -> None:
        """Those of the agents' spans that are wanted."""
        for source in map(source_span, spans):
            if wanted.is_of_service(source):
                self._add(source, wanted)

    @property
    def refusal(self) -> dict[str, Any] | None:
        """Why there is no run, where there are only such as cannot be in a list."""
        if self.summaries or not (self.unsupported or self.unidentifiable):
            return None
        if self.unsupported:
            code, message = (
                "unsupported_contract",
                f"there is evidence of contract {CONTRACT} alone",
            )
        else:
            code, message = "unidentifiable_agent", "the spans of these runs break the contract"
        issues = (self.unsupported or self.unidentifiable)[:ISSUES_MAX]
        listed = [{"code": one.code, "path": one.path, "message": one.message} for one in issues]
        return {"code": code, "message": message, "diagnostics": listed}

    def _add(self, source: SourceSpan, wanted: RunFilter) -> None:
        if not source.is_of_contract:
            path = f"spans.{source.span_id}.junjo.telemetry.contract_version"
            self.unsupported.append(Issue("unsupported_contract", path, "another version"))
            return
        reader = AttributeReader(source.attributes, f"spans.{source.span_id}", self.unidentifiable)
        summary = agent_summary(source, reader)
        if summary is not None and wanted.takes(summary, source.span):
            self.summaries.append(summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What one execution is known by."""

    service_namespace: str
    service_name: str
    executable_type: ExecutableType
    runtime_id: str

    def matching(self, spans: Iterable[Span]) -> list[Span]:
        """The spans of such an execution, each once."""
        of = RunFilter(service_namespace=self.service_namespace, service_name=self.service_name)
        found = {
            (source.span.trace_id, source.span_id): source.span
            for source in map(source_span, spans)
            if source.is_of_contract
            and source.span_type == self.executable_type
            and source.attributes.get("junjo.executable_runtime_id") == self.runtime_id
            and of.is_of_service(source)
        }
        return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Where one execution is."""

    service_namespace: str
    service_name: str
    executable_type: ExecutableType
    runtime_id: str
    trace_id: str
    span_id: str
    detail_path: str
    trace_path: str


def resolution(identity: Identity, span: Span) -> Resolution:
    """Of the one span that matches; paths are those of its trace and of itself."""
    trace = f"/api/v1/trace-evidence/{span.trace_id}"
    return Resolution(
        service_namespace=identity.service_namespace,
        service_name=identity.service_name,
        executable_type=identity.executable_type,
        runtime_id=identity.runtime_id,
        trace_id=span.trace_id,
        span_id=span.span_id,
        detail_path=f"/api/v1/observability/traces/{span.trace_id}/spans/{span.span_id}",
        trace_path=trace,
    )


def ambiguity(matches: Sequence[Span]) -> dict[str, Any]:
    """What is said of several spans that one identity names."""
    message = f"{len(matches)} executions have this identity"
    code = "ambiguous_execution_identity"
    return {"code": code, "message": message, "match_count": len(matches)}

"""The evidence of one trace, from its spans to the body that Junjo's front end takes. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from indexer.clients.junjo.evidence.agents import Agent, AgentRun, agent_run
from indexer.clients.junjo.evidence.operations import OPERATION_TYPE, Operation
from indexer.clients.junjo.evidence.relationships import (
    Relationships,
    SpanTree,
    relationships,
)
from indexer.clients.junjo.evidence.source import CONTRACT, SourceSpan, source_span
from indexer.clients.junjo.evidence.store_owners import Store, StoresByOwner
from indexer.clients.junjo.evidence.summaries import AGENT
from indexer.clients.junjo.evidence.transitions import STORE_ID, state_events
from indexer.clients.junjo.evidence.values import Issue, as_body
from indexer.clients.junjo.evidence.workflows import Workflow, workflow
from indexer.deferred_dataclass import dataclass
from indexer.query.span import Span

OWNER_TYPES = ("workflow", "subflow", AGENT)
"""Values of ``junjo.span_type`` whose spans are executables of the evidence."""
DIAGNOSTICS_MAX = 1_000
"""Of one trace: a few for each executable that a page can show."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An issue of the trace, or of a span that is not an executable for it."""

    scope: Literal["trace", "executable"]
    owner_span_id: str | None
    issue: Issue


@dataclass(frozen=True, slots=True)
class TraceEvidence:
    """What the spans of one trace prove. Keys are IDs of spans, of runs, of stores."""

    executables: Mapping[str, Workflow | Agent]
    operations: Mapping[str, Mapping[str, Operation]]
    stores: Mapping[str, Store]
    relationships: Mapping[str, Relationships]
    diagnostics: Sequence[Diagnostic]


class _TraceReading:
    """Collects what the spans of one trace prove, span by span."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.sources = [source_span(one) for one in spans]
        self.stores = StoresByOwner(state_events(self.sources))
        self.executables: dict[str, Workflow | Agent] = {}
        self.runs: dict[str, AgentRun] = {}
        self.relationships: dict[str, Relationships] = {}
        self.diagnostics: list[Diagnostic] = []
        self.tree = _tree(self.sources)

    def read(self, source: SourceSpan) -> None:
        """Add the executable of a span, if it is one."""
        if source.span_type not in OWNER_TYPES:
            return
        if not source.is_of_contract:
            message = f"there is evidence of version {CONTRACT} alone"
            self._say(source, Issue("unsupported_contract", _path(source, "version"), message))
        elif source.span_id in self.executables:
            message = "another executable has the same span ID"
            self._say(source, Issue("span_id_repeated", _path(source, "span_id"), message))
        elif source.span_type == AGENT:
            self._read_agent(source)
        else:
            self.executables[source.span_id] = workflow(source, self.stores)

    def _read_agent(self, source: SourceSpan) -> None:
        runtime_id = source.attributes.get("junjo.executable_runtime_id")
        if isinstance(runtime_id, str) and runtime_id in self.runs:
            message = "another run of an agent has the same runtime ID"
            self._say(source, Issue("runtime_id_repeated", _path(source, "runtime_id"), message))
            return
        issues: list[Issue] = []
        children = self.tree.children.get(source.span_id, ())
        run = agent_run(source, children, self.stores, issues)
        if run is None:
            message = "its span breaks the contract"
            self._say(source, Issue("unidentifiable_agent", _path(source, "agent"), message))
            for issue in issues:
                self._say(source, issue)
            return
        self.runs[run.agent.runtime_id] = run
        self.executables[source.span_id] = run.agent
        found: list[Issue] = []
        self.relationships[source.span_id] = relationships(source, run, self.tree, found)
        for issue in found:
            self._say(source, issue)

    def say_unowned(self) -> None:
        """Diagnose operations and transitions whose agent or store is not in the trace."""
        shown = {one.span_id for run in self.runs.values() for one in run.operations}
        for source in self.sources:
            is_operation = OPERATION_TYPE in source.attributes and source.is_of_contract
            parent = self.executables.get(source.span.parent_span_id or "")
            if is_operation and source.span_id not in shown and not isinstance(parent, Agent):
                issue = Issue(
                    "operation_without_agent", _path(source, OPERATION_TYPE), "no run has it"
                )
                self.diagnostics.append(Diagnostic("trace", None, issue))
        for source in self.stores.unclaimed():
            issue = Issue("transitions_without_store", _path(source, STORE_ID), "no run owns it")
            self.diagnostics.append(Diagnostic("trace", None, issue))

    def _say(self, source: SourceSpan, issue: Issue) -> None:
        self.diagnostics.append(Diagnostic("executable", source.span_id, issue))


def trace_evidence(spans: Sequence[Span]) -> TraceEvidence:
    """The evidence of the spans of one trace, with their payload, in order of start.

    Raises nothing, whatever they hold: what the contract does not allow is a diagnostic.
    """
    reading = _TraceReading(spans)
    for source in reading.sources:
        reading.read(source)
    reading.say_unowned()
    return TraceEvidence(
        executables=reading.executables,
        operations={
            runtime_id: {one.span_id: one for one in run.operations}
            for runtime_id, run in reading.runs.items()
        },
        stores=reading.stores.stores,
        relationships=reading.relationships,
        diagnostics=_bounded(reading.diagnostics),
    )


def evidence_body(
    trace_id: str, spans: Sequence[Span], bodies: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The JSON of a trace and its evidence; ``bodies`` are the JSON of the spans."""
    found = trace_evidence(spans)
    return {
        "trace_id": trace_id,
        "spans": list(bodies),
        "executables_by_span_id": _bodies(found.executables),
        "operations_by_owner_runtime_id": {
            runtime_id: _bodies(operations) for runtime_id, operations in found.operations.items()
        },
        "stores_by_id": _bodies(found.stores),
        "relationships_by_owner_span_id": _bodies(found.relationships),
        "diagnostics": [as_body(one) for one in found.diagnostics],
    }


def _bodies(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: as_body(value) for key, value in values.items()}


def _tree(sources: Sequence[SourceSpan]) -> SpanTree:
    children: defaultdict[str, list[SourceSpan]] = defaultdict(list)
    for source in sources:
        if source.span.parent_span_id:
            children[source.span.parent_span_id].append(source)
    return SpanTree({one.span_id: one for one in reversed(sources)}, children)


def _path(source: SourceSpan, name: str) -> str:
    return f"spans.{source.span_id}.{name}"


def _bounded(diagnostics: Sequence[Diagnostic]) -> Sequence[Diagnostic]:
    if len(diagnostics) <= DIAGNOSTICS_MAX:
        return diagnostics
    omitted = len(diagnostics) - DIAGNOSTICS_MAX + 1
    issue = Issue("diagnostics_omitted", "diagnostics", f"{omitted} more are left out")
    return [*diagnostics[: DIAGNOSTICS_MAX - 1], Diagnostic("trace", None, issue)]

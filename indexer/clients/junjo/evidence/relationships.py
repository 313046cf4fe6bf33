"""What an agent's run was started by, and what its tools started. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from indexer.clients.junjo.evidence.agents import AgentRun
from indexer.clients.junjo.evidence.portable import is_portable_text
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.services import Service, service_of
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.clients.junjo.evidence.summaries import AGENT, AGENT_STRUCTURAL_ID
from indexer.clients.junjo.evidence.tool_operations import ToolOperation
from indexer.clients.junjo.evidence.values import Issue
from indexer.deferred_dataclass import dataclass

ExecutableType = Literal["workflow", "subflow", "node", "run_concurrent", "agent"]
EXECUTABLE_TYPES: Mapping[str, ExecutableType] = {
    "workflow": "workflow",
    "subflow": "subflow",
    "node": "node",
    "run_concurrent": "run_concurrent",
    "agent": "agent",
}
"""Values of ``junjo.span_type``."""
_NESTED_TYPES = ("workflow", AGENT)
ANCESTORS_MAX = 1_000
"""Spans above one that are looked at for what started it: more than any program nests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another executable of the trace."""

    executable_type: ExecutableType
    trace_id: str
    span_id: str
    service: Service
    definition_id: str
    runtime_id: str
    structural_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentReference(Reference):
    """What started the run; the span right above it may be another one."""

    physical_parent_span_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedReference(Reference):
    """What an operation of the run started."""

    parent_operation_sequence: int
    parent_operation_span_id: str


@dataclass(frozen=True, slots=True)
class Relationships:
    """Of one run of an agent."""

    parent: ParentReference | None
    nested: tuple[NestedReference, ...]


@dataclass(frozen=True, slots=True)
class SpanTree:
    """The spans of a trace by their IDs, and those right below each."""

    by_id: Mapping[str, SourceSpan]
    children: Mapping[str, Sequence[SourceSpan]]


def relationships(
    source: SourceSpan, run: AgentRun, tree: SpanTree, issues: list[Issue]
) -> Relationships:
    """Those of a run whose span is ``source``; what cannot be referred to is an issue."""
    tools = [one for one in run.operations if isinstance(one, ToolOperation)]
    nested = [
        found
        for tool in tools
        for child in tree.children.get(tool.span_id, ())
        if (found := _nested(child, tool, issues)) is not None
    ]
    return Relationships(_parent(source, tree, issues), tuple(nested))


def _parent(source: SourceSpan, tree: SpanTree, issues: list[Issue]) -> ParentReference | None:
    runtime_id = source.attributes.get("junjo.parent_executable_runtime_id")
    physical = source.span.parent_span_id
    if runtime_id is None:
        return None
    found = _ancestor(source, runtime_id, tree)
    if found is None or physical is None:
        path = f"spans.{source.span_id}.junjo.parent_executable_runtime_id"
        issues.append(Issue("parent_not_found", path, "no span above is the run that it names"))
        return None
    fields = _reference(found, issues)
    return None if fields is None else ParentReference(**fields, physical_parent_span_id=physical)


def _ancestor(source: SourceSpan, runtime_id: object, tree: SpanTree) -> SourceSpan | None:
    """The nearest span above that is an execution with the runtime ID.

    A node that is executed again has the same, so that looking it up would not find which.
    """
    above: SourceSpan | None = source
    for _ in range(ANCESTORS_MAX):
        above = tree.by_id.get((above and above.span.parent_span_id) or "")
        if above is None:
            return None
        is_it = above.attributes.get("junjo.executable_runtime_id") == runtime_id
        if is_it and above.is_of_contract and above.span_type in EXECUTABLE_TYPES:
            return above
    return None


def _nested(child: SourceSpan, tool: ToolOperation, issues: list[Issue]) -> NestedReference | None:
    if child.span_type not in _NESTED_TYPES or not child.is_of_contract:
        return None
    fields = _reference(child, issues)
    if fields is None:
        return None
    return NestedReference(
        **fields,
        parent_operation_sequence=tool.sequence,
        parent_operation_span_id=tool.span_id,
    )


def _reference(source: SourceSpan, issues: list[Issue]) -> dict[str, Any] | None:
    reader = AttributeReader(source.attributes, f"spans.{source.span_id}", issues)
    names = ("definition_id", "runtime_id", "structural_id")
    ids = {name: reader.text(f"junjo.executable_{name}", required=True) for name in names}
    service = service_of(source)
    is_agent_id = AGENT_STRUCTURAL_ID.fullmatch(ids["structural_id"] or "") is not None
    if service is None or not is_portable_text(source.span.name):
        reader.issue("reference_omitted", "name", "the span or its service has no name")
        return None
    if None in ids.values() or (source.span_type == AGENT and not is_agent_id):
        reader.issue("reference_omitted", "junjo", "its IDs are not those of an executable")
        return None
    return {
        "executable_type": EXECUTABLE_TYPES[source.span_type],
        "trace_id": source.span.trace_id,
        "span_id": source.span_id,
        "service": service,
        "name": source.span.name,
        **ids,
    }

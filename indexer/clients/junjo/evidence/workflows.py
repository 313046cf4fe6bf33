"""Workflows and subflows as executables. Pure."""

from typing import Literal

from indexer.clients.junjo.evidence.portable import is_portable_text
from indexer.clients.junjo.evidence.reader import AttributeReader
from indexer.clients.junjo.evidence.source import SourceSpan
from indexer.clients.junjo.evidence.store_owners import StoresByOwner
from indexer.clients.junjo.evidence.stores import WORKFLOW_SLOTS, StoreDetail
from indexer.clients.junjo.evidence.values import Integrity
from indexer.deferred_dataclass import dataclass

WorkflowType = Literal["workflow", "subflow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One run of a workflow or a subflow."""

    executable_type: WorkflowType
    owner_span_id: str
    name: str
    definition_id: str | None
    runtime_id: str | None
    structural_id: str | None
    store_id: str | None
    unavailable_store: StoreDetail | None
    integrity: Integrity


def workflow(source: SourceSpan, stores: StoresByOwner) -> Workflow:
    """The workflow or subflow of a span; its store is added to ``stores``."""
    kind: WorkflowType = "subflow" if source.span_type == "subflow" else "workflow"
    reader = AttributeReader(source.attributes, f"spans.{source.span_id}", source.omissions)
    missing_store = stores.claim(source, WORKFLOW_SLOTS, kind)
    if missing_store is not None:
        reason = missing_store.reconstruction_reason or ""
        reader.issue("store_unavailable", WORKFLOW_SLOTS.store_id, reason)
    store_id = reader.text(WORKFLOW_SLOTS.store_id) if missing_store is None else None
    return Workflow(
        executable_type=kind,
        owner_span_id=source.span_id,
        name=executable_name(source, reader),
        definition_id=reader.text("junjo.executable_definition_id", required=True),
        runtime_id=reader.text("junjo.executable_runtime_id", required=True),
        structural_id=reader.text("junjo.executable_structural_id", required=True),
        store_id=store_id,
        unavailable_store=missing_store,
        integrity=Integrity.of(reader.issues, source.losses),
    )


def executable_name(source: SourceSpan, reader: AttributeReader) -> str:
    """The span's name; its type where that is not text that the front end takes."""
    if is_portable_text(source.span.name):
        return source.span.name
    reader.issue("name_invalid", "name", "expected text that is not empty")
    return source.span_type

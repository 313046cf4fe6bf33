"""Bodies of evidence for the OpenAPI description; the parts are the values themselves."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from indexer.clients.junjo.evidence.agents import Agent
from indexer.clients.junjo.evidence.model_requests import ModelRequest
from indexer.clients.junjo.evidence.relationships import Relationships
from indexer.clients.junjo.evidence.store_owners import Store
from indexer.clients.junjo.evidence.tool_operations import ToolOperation
from indexer.clients.junjo.evidence.trace import Diagnostic
from indexer.clients.junjo.evidence.values import Issue
from indexer.clients.junjo.evidence.workflows import Workflow
from indexer.clients.junjo.models import StrictSpan


class TraceEvidenceBody(BaseModel):
    """A trace and its evidence: by span, by run, by store."""

    model_config = ConfigDict(extra="forbid")

    trace_id: str
    spans: list[StrictSpan]
    executables_by_span_id: dict[str, Workflow | Agent]
    operations_by_owner_runtime_id: dict[str, dict[str, ModelRequest | ToolOperation]]
    stores_by_id: dict[str, Store]
    relationships_by_owner_span_id: dict[str, Relationships]
    diagnostics: list[Diagnostic]


class NoRun(BaseModel):
    """Runs are there, and none that a list may have."""

    code: Literal["unsupported_contract", "unidentifiable_agent"]
    message: str
    diagnostics: list[Issue]


class AmbiguousIdentity(BaseModel):
    """Several executions have the identity."""

    code: Literal["ambiguous_execution_identity"]
    message: str
    match_count: int

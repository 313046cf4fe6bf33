"""What makes one front end's dialect: the paths it asks, its span, its limits, its filter of LLM.

``dialects`` has them all; ``questions`` answers for any of them.
"""

from collections.abc import Callable

from fastapi import APIRouter
from pydantic import BaseModel

from indexer.clients.host import Host
from indexer.clients.junjo.held import Body
from indexer.deferred_dataclass import dataclass
from indexer.query.find.span_query import LIMIT_DEFAULT, LIMIT_MAX
from indexer.query.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Templates of the paths on which each question is asked."""

    services: tuple[str, ...]
    roots: tuple[str, ...] = ()
    """Of roots alone."""
    llm_roots: tuple[str, ...] = ()
    """Of roots of traces with an LLM call."""
    roots_or_llm_roots: tuple[str, ...] = ()
    """Where the parameter ``has_llm`` says which."""
    spans: tuple[str, ...] = ()
    workflows: tuple[str, ...]
    trace: tuple[str, ...]
    one_span: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Spans of one page of a list."""

    roots: int = LIMIT_DEFAULT
    """Unless the request says otherwise; of all spans of a service as well."""
    workflows: int = LIMIT_DEFAULT
    most: int = LIMIT_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One front end's requests and bodies."""

    version: str
    """The release that it is known by; its prefix is ``/junjo/`` and this."""
    paths: Paths
    body: Callable[[Span], Body]
    model: type[BaseModel]
    """The same for the OpenAPI description."""
    limits: Limits = Limits()
    llm_in_service: bool = False
    """Whether a trace counts as one with an LLM call by calls of the same service alone."""
    routers: tuple[Callable[[Host], APIRouter], ...] = ()
    """Questions that no other dialect has."""
    is_always_bare: bool = False
    """Its paths are nobody else's, so they are served without a prefix whatever is chosen."""

    @property
    def prefix(self) -> str:
        """What is put before its paths, to be part of a front end's ``API_HOST``."""
        return f"/junjo/{self.version}"

"""The front end of 0.70: the paths that all later ones have, the span of the ones before."""

from indexer.clients.junjo import span_22
from indexer.clients.junjo.dialect import Dialect, Paths
from indexer.clients.junjo.models import JunjoSpan

_BASE = "/api/v1/observability"
_SERVICE = f"{_BASE}/services/{{service_name:text}}"
_TRACE = f"{_BASE}/traces/{{trace_id}}/spans"

PATHS = Paths(
    services=(f"{_BASE}/services",),
    roots_or_llm_roots=(f"{_SERVICE}/spans/root",),
    spans=(f"{_SERVICE}/spans",),
    workflows=(f"{_SERVICE}/workflows",),
    trace=(_TRACE,),
    one_span=(f"{_TRACE}/{{span_id}}",),
)

DIALECT = Dialect(version="0.70", paths=PATHS, body=span_22.body, model=JunjoSpan)

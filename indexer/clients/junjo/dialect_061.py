"""The front end of 0.60 to 0.61: paths below ``/otel``, with hyphens.

The same paths with underscores, and state patches, are what Junjo's first back end is remembered
by; no front end asks them.
"""

from indexer.clients.junjo import span_22
from indexer.clients.junjo.dialect import Dialect, Limits, Paths
from indexer.clients.junjo.models import JunjoSpan
from indexer.clients.junjo.state_patches import state_patches
from indexer.query.find.span_query import LIMIT_MAX

_SERVICE = "/otel/service/{service_name:text}"
_TRACE = "/otel/trace/{trace_id}"

DIALECT = Dialect(
    version="0.61",
    paths=Paths(
        services=("/otel/span-service-names", "/otel/span_service_names"),
        roots=(f"{_SERVICE}/root-spans", f"{_SERVICE}/root_spans"),
        llm_roots=(f"{_SERVICE}/root-spans-filtered", f"{_SERVICE}/root_spans_filtered"),
        workflows=("/otel/spans/type/workflow/{service_name:text}",),
        trace=(f"{_TRACE}/nested-spans", f"{_TRACE}/nested_spans"),
        one_span=(f"{_TRACE}/span/{{span_id}}",),
    ),
    body=span_22.body,
    model=JunjoSpan,
    limits=Limits(workflows=LIMIT_MAX),
    routers=(state_patches,),
    is_always_bare=True,
)

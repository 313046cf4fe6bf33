"""The front end of 0.82: a strict span of 20 fields, and questions that only it asks."""

from indexer.clients.junjo import span_20
from indexer.clients.junjo.dialect import Dialect, Limits
from indexer.clients.junjo.dialect_070 import PATHS
from indexer.clients.junjo.evidence_routes import evidence_routes
from indexer.clients.junjo.models import StrictSpan

DIALECT = Dialect(
    version="0.82",
    paths=PATHS,
    body=span_20.body,
    model=StrictSpan,
    limits=Limits(roots=100, workflows=100, most=250),
    llm_in_service=True,
    routers=(evidence_routes,),
)

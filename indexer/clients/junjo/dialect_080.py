"""The front end of 0.80: a span of 15 fields, and a filter of LLM calls by service."""

from indexer.clients.junjo import span_15
from indexer.clients.junjo.dialect import Dialect
from indexer.clients.junjo.dialect_070 import PATHS
from indexer.clients.junjo.models import AttributesSpan

DIALECT = Dialect(
    version="0.80", paths=PATHS, body=span_15.body, model=AttributesSpan, llm_in_service=True
)

"""How an exporter may send spans to this store, in Mastra's words."""

from typing import Literal

from indexer.deferred_dataclass import dataclass

TracingStrategy = Literal["realtime", "batch-with-updates", "insert-only"]


@dataclass(frozen=True, slots=True)
class Strategy:
    """The strategy that suits the store best, and all that it takes."""

    preferred: TracingStrategy
    supported: tuple[TracingStrategy, ...]


STRATEGY = Strategy(
    preferred="batch-with-updates", supported=("realtime", "batch-with-updates", "insert-only")
)
"""A commit costs milliseconds however few spans it has, so batches are better than single spans."""

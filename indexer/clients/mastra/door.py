"""What the routes of Mastra's clients need of the process that serves them."""

from collections.abc import Callable

from indexer.deferred_dataclass import dataclass
from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.query.answers import Answers
from indexer.system.budget import ByteBudget

BODIES_BYTES_MAX = 256 << 20
"""Of all batches in hand, parsed: two of the largest at once, or many usual ones."""


@dataclass(frozen=True, slots=True)
class MastraDoor:
    """An open store, and the memory that batches in hand may use together."""

    store: SyncDuckDBStore
    bodies: ByteBudget
    answers: Callable[[], Answers] | None = None
    """Over spans that came over OTLP; without it the routes have what was published alone."""

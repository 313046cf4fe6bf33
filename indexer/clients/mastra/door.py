"""What the routes of Mastra's clients need of the process that serves them."""

from dataclasses import dataclass

from indexer.mastra.sync_store import SyncDuckDBStore
from indexer.system.budget import ByteBudget

BODIES_BYTES_MAX = 256 << 20
"""Of all batches in hand, parsed: two of the largest at once, or many usual ones."""


@dataclass(frozen=True, slots=True)
class MastraDoor:
    """An open store, and the memory that batches in hand may use together."""

    store: SyncDuckDBStore
    bodies: ByteBudget

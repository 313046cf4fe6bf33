"""How much of a limit is in use: what every bounded thing says of itself in the same words."""

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """In the unit of the limit: bytes, requests."""

    in_use: int
    limit: int

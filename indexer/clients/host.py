"""What the application asks of the worker that it runs in."""

from pathlib import Path
from typing import Any, Protocol

from indexer.query.answers import Answers


class Host(Protocol):
    """The worker, as routes see it."""

    @property
    def answers(self) -> Answers:
        """The questions that need no change of state."""
        ...

    @property
    def backlog_files_max(self) -> int:
        """Files that may wait while the worker counts as ready."""
        ...

    def status(self) -> dict[str, Any]:
        """The worker's state and what the index holds."""
        ...

    async def snapshot(self) -> Path:
        """Publish a copy of the catalog as it is now."""
        ...

    @property
    def current_copy(self) -> Path | None:
        """The copy that was published last, while nothing has changed since."""
        ...

    async def flush(self) -> None:
        """Have the ingestion service put what is hot into files.

        Raises HotUnavailable, also where there is none.
        """
        ...

    def expect_ingestion_end(self) -> None:
        """The ingestion service is being stopped."""
        ...

    async def sweep(self) -> None:
        """Return once a sweep that begins after this call has been worked off."""
        ...

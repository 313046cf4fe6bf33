"""Where a command's answer comes from: the running worker, or the catalog itself.

Every question has the same answer either way. Questions that need a connection of their own
(SQL, the audit) get a catalog file that nobody writes to.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.catalog.generations import Generations
from indexer.clients.unix_socket import LocalClient
from indexer.errors import CatalogUnreadable
from indexer.settings import Settings

if TYPE_CHECKING:  # a command that asks the worker loads no query of its own
    from indexer.query.answers import Answers


class Source:
    """Answers for one command."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = LocalClient(settings.catalog_pointer)
        self.has_worker = self._client.is_reachable()

    def ask(self, path: str, question: Callable[["Answers"], Any], **params: Any) -> Any:
        """The worker's answer on that route, or that of the question over the catalog itself.

        Raises what refuses the question.
        """
        if self.has_worker:
            return self._client.get(path, **params)
        from indexer.cli.catalog_answers import answer_values, catalog_answers  # noqa: PLC0415 - DuckDB

        with catalog_answers(self._settings, self._current()) as answers:
            return answer_values(question(answers))

    def status(self) -> dict[str, Any]:
        """The worker's status, or what the catalog holds while none runs."""

        def alone(answers: "Answers") -> dict[str, Any]:
            return {
                "state": "no worker is running",
                "healthy": True,
                "problems": [],
                "storage_root": self._settings.storage_root,
                "catalog": str(self._current()),
                **answers.totals().to_dict(),
            }

        found: dict[str, Any] = self.ask("/status", alone)
        return found

    def still_catalog(self, *, after_sweep: bool = False) -> Path:
        """A catalog file that nobody writes to, as new as now."""
        if not self.has_worker:
            return self._current()
        if after_sweep:
            self._client.post("/sweep")
        return Path(self._client.post("/snapshot")["path"])

    def _current(self) -> Path:
        current = Generations(self._settings.catalog_pointer).current()
        if current is None:
            raise CatalogUnreadable(
                f"there is no catalog at {self._settings.catalog_pointer} yet",
                hint="Start the worker with `python -m indexer`, or run it with `--once`.",
            )
        return current

"""Where a command's answer comes from: the running worker, or the catalog itself.

Every question has the same answer either way. Questions that need a connection of their own
(SQL, the audit) get a catalog file that nobody writes to.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.catalog.generations import Generations
from indexer.clients.unix_socket import LocalClient
from indexer.deferred_dataclass import dataclass
from indexer.errors import (
    CatalogBusy,
    CatalogUnreadable,
    HotUnavailable,
    IndexerError,
    QueryRefused,
)
from indexer.query.lists import IndexList
from indexer.query.sql_scope import HandedOver, HotRows
from indexer.settings import Settings
from indexer.settings.paths import check_reader_paths

if TYPE_CHECKING:  # a command that asks the worker loads no query of its own
    import pyarrow as pa

    from indexer.query.answers import Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideIndex:
    """What a session of SQL adds to the index, and what it lacks all the same, as JSON says it."""

    as_of: int | None = None
    """Nanoseconds since 1970; None without a hot tier that answers."""
    missing: list[dict[str, Any]] | None = None
    """From what has the recent files and the hot spans; None without a worker: the catalog is all
    that there is, and says itself what it lacks."""
    missing_in_index: list[dict[str, Any]] | None = None
    """From what has neither."""
    recent_files: Sequence[str] = ()
    hot: HandedOver | None = None
    """None without hot spans."""
    published: "Callable[[Sequence[str]], pa.Table] | None" = None
    """Columns of published spans, which replace those of files; None where there are none. Raises
    HotUnavailable."""


class Source:
    """Answers for one command."""

    def __init__(self, settings: Settings) -> None:
        check_reader_paths(settings)
        self._settings = settings
        self.worker = LocalClient(settings.catalog_pointer)
        self.has_worker = self.worker.is_reachable()
        self._still_catalog: Path | None = None
        """As new as what was said to be beside the index, while that is asked for."""

    def ask(self, path: str, question: Callable[["Answers"], Any], **params: Any) -> Any:
        """The worker's answer on that route, or that of the question over the catalog itself.

        Raises what refuses the question.
        """
        if self.has_worker:
            return self.worker.get(path, **params)
        from indexer.cli.catalog_answers import answer_values, catalog_answers  # noqa: PLC0415 - DuckDB

        with catalog_answers(self._settings, self._current()) as answers:
            return answer_values(question(answers))

    def ask_bytes(self, path: str, question: Callable[["Answers"], bytes], **params: str) -> bytes:
        """The same of an answer that is text of some form."""
        if self.has_worker:
            return self.worker.content(path, **params)
        from indexer.cli.catalog_answers import catalog_answers  # noqa: PLC0415 - DuckDB

        with catalog_answers(self._settings, self._current()) as answers:
            return question(answers)

    def status(self) -> dict[str, Any]:
        """The worker's status, or what the catalog holds while none runs."""
        if self.has_worker:
            found: dict[str, Any] = self.worker.get("/status")
            return found
        from indexer.cli.catalog_answers import totals  # noqa: PLC0415 - DuckDB

        path = self._current()
        return {
            "state": "no worker is running",
            "healthy": True,
            "problems": [],
            "storage_root": self._settings.storage_root,
            "catalog": str(path),
            **totals(self._settings, path),
        }

    def rows(self, listed: IndexList, limit: int) -> list[dict[str, Any]]:
        """A list of the index alone."""
        if self.has_worker:
            found: list[dict[str, Any]] = self.worker.get(f"/{listed.name}", limit=limit)
            return found
        from indexer.cli.catalog_answers import rows  # noqa: PLC0415 - DuckDB

        return rows(self._settings, self._current(), listed, limit)

    def follow(self, path: str, **params: Any) -> Iterator[tuple[str, Any]]:
        """Events of the worker's stream on that route. Raises QueryRefused without a worker."""
        if not self.has_worker:
            raise QueryRefused(
                "no worker is running, and nobody else sees new spans",
                hint="Start it with `python -m indexer`.",
            )
        return self.worker.events(path, **params)

    @contextmanager
    def beside_index(self) -> Iterator[BesideIndex]:
        """What is beside the index now, before a catalog that stands still is asked for."""
        if not self.has_worker:
            yield BesideIndex()
            return
        with closing(self.worker.lines("/hot-spans")) as lines:
            said = next(lines)
            hot, published = said["hot"], said["published"]
            more = cache(partial(next, lines, None))  # a statement may run twice
            rows = cache(partial(_mapped, more))
            self._still_catalog = Path(said["catalog"])
            try:
                yield BesideIndex(
                    as_of=said["as_of"],
                    missing=said["missing"],
                    missing_in_index=said["missing_in_index"],
                    recent_files=said["recent_files"],
                    hot=hot and HandedOver(rows, partial(self._hot_columns, hot)),
                    published=published and partial(self._hot_columns, published),
                )
            finally:
                self._still_catalog = None
                for handle in filter(None, (hot, published)):
                    with suppress(IndexerError):  # the worker drops it by itself after a while
                        self.worker.delete(f"/hot-spans/{handle}")

    def _hot_columns(self, handle: str, names: Sequence[str]) -> "pa.Table":
        import pyarrow as pa  # noqa: PLC0415 - SQL alone needs it

        try:
            content = self.worker.content(f"/hot-spans/{handle}", columns=",".join(names))
        except IndexerError as error:
            raise HotUnavailable(error.message) from error
        return pa.ipc.open_stream(content).read_all()

    def still_catalog(self, *, after_sweep: bool = False) -> Path:
        """A catalog file that nobody writes to, as new as now."""
        if not self.has_worker:
            return self._current()
        if self._still_catalog is not None and not after_sweep:
            return self._still_catalog
        if after_sweep:
            self.worker.post("/sweep")
        return Path(self.worker.post("/snapshot")["path"])

    def _current(self) -> Path:
        current = Generations(self._settings.catalog_pointer).current()
        if current is None:
            raise CatalogUnreadable(
                f"there is no catalog at {self._settings.catalog_pointer} yet",
                hint="Start the worker with `python -m indexer`, or run it with `--once`.",
            )
        return current


def _mapped(line: Callable[[], Any]) -> HotRows:
    """What the worker's line names, of which pages are read as they are needed.

    Raises HotUnavailable.
    """
    import pyarrow as pa  # noqa: PLC0415 - SQL alone needs it

    try:
        said = line()
        if said is None:
            raise HotUnavailable("the worker gave no hot spans")
        if "problem" in said:
            raise HotUnavailable(said["problem"])
        parts = [
            (pa.ipc.open_file(pa.memory_map(path)).read_all(), row_count)
            for path, row_count in said["parts"]
        ]
    except (CatalogBusy, OSError) as error:
        raise HotUnavailable(f"the worker gave no hot spans: {error}") from error
    return HotRows(parts=parts, lacking_in=said["lacking_in"])

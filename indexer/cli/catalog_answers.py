"""Answer a command from the catalog file itself, while no worker is running.

What the index alone knows is read without the tiers of a question, which take longer to load than
DuckDB.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.catalog.database import Catalog, unreadable
from indexer.errors import CatalogUnavailable
from indexer.query.failures import states_as_errors
from indexer.query.limits import ROWS_MAX
from indexer.query.lists import IndexList, count_quarantined, list_rows
from indexer.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from indexer.query.answers import Answers


@contextmanager
def catalog_answers(settings: Settings, path: Path) -> Iterator["Answers"]:
    """Answers over the catalog file, closed at the end. Raises CatalogUnreadable."""
    from indexer.query.answers import Answers  # noqa: PLC0415 - not of what the index alone knows
    from indexer.query.catalog_moments import CatalogMoments  # noqa: PLC0415 - same
    from indexer.system.storage import LocalStorage  # noqa: PLC0415 - same

    with _opened(settings, path) as catalog:
        storage = LocalStorage(settings.storage_root)
        yield Answers(
            moments=CatalogMoments(cursor=catalog.cursor, storage=storage),
            limits=settings.answer_limits,
        )


def answer_values(found: Any) -> Any:
    """An answer as values of JSON, as the worker's HTTP routes give it; other values unchanged."""
    from indexer.clients.shared.answer_json import answer_json  # noqa: PLC0415 - as the answers
    from indexer.query.answer import Answer  # noqa: PLC0415 - same

    return answer_json(found) if isinstance(found, Answer) else found


def totals(settings: Settings, path: Path) -> dict[str, Any]:
    """What the index holds, in numbers. Raises CatalogUnreadable."""
    from indexer.catalog.totals import Totals  # noqa: PLC0415 - of this question alone

    with _opened(settings, path) as catalog, states_as_errors():
        return Totals.read(catalog.cursor()).to_dict()


def rows(settings: Settings, path: Path, listed: IndexList, limit: int) -> list[dict[str, Any]]:
    """A list of the index alone. Raises CatalogUnreadable."""
    with _opened(settings, path) as catalog, states_as_errors():
        return list_rows(catalog.cursor(), listed, min(limit, ROWS_MAX))


def index_lacks(settings: Settings, cursor: "duckdb.DuckDBPyConnection") -> list[dict[str, Any]]:
    """What the index is known to lack where nobody watches: files that it had and cannot read."""
    with states_as_errors():
        _, lost = count_quarantined(cursor)
    if not lost:
        return []
    from indexer.clients.shared.answer_json import missing_json  # noqa: PLC0415 - as the answers
    from indexer.query.missing_files import missing_files  # noqa: PLC0415 - same
    from indexer.system.storage import LocalStorage  # noqa: PLC0415 - same

    lacks = missing_files(LocalStorage(settings.storage_root), None, (), lost)
    return [missing_json(one) for one in lacks]


@contextmanager
def _opened(settings: Settings, path: Path) -> Iterator[Catalog]:
    catalog = Catalog.open(
        path, memory_limit=settings.memory_limit, threads=settings.threads, read_only=True
    )
    try:
        yield catalog
    except CatalogUnavailable as error:  # nobody writes to it: it is damaged
        raise unreadable(path, error) from error
    finally:
        catalog.close()

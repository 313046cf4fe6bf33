"""Answer a command from the catalog file itself, while no worker is running."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.catalog.database import Catalog, unreadable
from indexer.clients.shared.answer_json import answer_json
from indexer.errors import CatalogUnavailable
from indexer.query.answer import Answer
from indexer.query.answers import Answers
from indexer.settings import Settings
from indexer.system.storage import LocalStorage


@contextmanager
def catalog_answers(settings: Settings, path: Path) -> Iterator[Answers]:
    """Answers over the catalog file, closed at the end. Raises CatalogUnreadable."""
    catalog = Catalog.open(
        path, memory_limit=settings.memory_limit, threads=settings.threads, read_only=True
    )
    try:
        yield Answers(
            cursor=catalog.cursor,
            storage=LocalStorage(settings.storage_root),
            limits=settings.answer_limits,
        )
    except CatalogUnavailable as error:  # nobody writes to it: it is damaged
        raise unreadable(path, error) from error
    finally:
        catalog.close()


def answer_values(found: Any) -> Any:
    """An answer as values of JSON, as the worker's HTTP routes give it; other values unchanged."""
    return answer_json(found) if isinstance(found, Answer) else found

"""Answers of a catalog that nobody writes to, for a command that no worker answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from indexer.catalog.database import Catalog, unreadable
from indexer.clients.shared.answer_json import answer_json
from indexer.errors import CatalogUnavailable
from indexer.query.answer import IndexAnswer, ServicesAnswer, SpansAnswer
from indexer.query.answers import Answers
from indexer.settings import Settings
from indexer.system.storage import LocalStorage


@contextmanager
def catalog_answers(settings: Settings, path: Path) -> Iterator[Answers]:
    """Raises CatalogUnreadable for what DuckDB does not read."""
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


def as_shown(found: Any) -> Any:
    """An answer as the worker gives it, in values of JSON; what is made of those already stays."""
    is_answer = isinstance(found, SpansAnswer | ServicesAnswer | IndexAnswer)
    return answer_json(found) if is_answer else found

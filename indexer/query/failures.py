"""What a refusal of DuckDB means for whoever asked: a state that passes, or a fault of ours.

States of the machine and of the open catalog are few and known; everything else that DuckDB says
to a statement of this program is this program's fault, and is not made to look like a full disk.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import duckdb

from indexer.errors import AnswerOutOfMemory, CatalogUnavailable, TransientError

STATES: Mapping[type[duckdb.Error], type[TransientError]] = {
    duckdb.OutOfMemoryException: AnswerOutOfMemory,
    duckdb.IOException: CatalogUnavailable,  # of its files, or of the folder that it spills into
    duckdb.FatalException: CatalogUnavailable,  # an earlier failure; it has to be opened again
    duckdb.ConnectionException: CatalogUnavailable,  # it is being opened again
}


@contextmanager
def states_as_errors() -> Iterator[None]:
    """Raises AnswerOutOfMemory and CatalogUnavailable; a fault stays the duckdb.Error it is."""
    try:
        yield
    except tuple(STATES) as error:
        kind = next(STATES[one] for one in STATES if isinstance(error, one))
        raise kind(str(error).partition("\n")[0]) from error

"""The one way to a DuckDB connection: no extension, no Python variable, bounded memory and spill.

By itself DuckDB takes 80 % of the machine's memory, spills into the working folder, and looks for
an extension on its maker's host when a file or a function seems to want one.
"""

import itertools
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb

from indexer.system.permissions import PRIVATE_FOLDER

MEMORY_LIMIT = "256MiB"
"""Of a connection whose user sets none: what reads attributes needs less for 65,536 rows."""
SPILL_BYTES_MAX = "10GiB"
"""Of one connection: DuckDB would take 90 % of the disk, which the log needs as well."""
_FIXED = {
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
"""The last keeps SQL from reading a Python variable that happens to have the name of a table; rows
are handed over by ``register`` alone."""
_PROCESS = os.urandom(4).hex()
"""Process ids repeat between containers with one volume, and DuckDB 1.5 gives what it spills the
same names in each process."""
_numbers = itertools.count()


def connect(
    path: Path | None = None,
    *,
    read_only: bool = False,
    memory_limit: str | None = MEMORY_LIMIT,
    threads: int = 1,
    spill_folder: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection to a database file, or to memory.

    Without a ``memory_limit`` it is DuckDB's own: for a database that is its user's and not a
    worker's. What it spills goes into a folder of its own in ``spill_folder``, by default in a
    private one of the user; DuckDB makes it when it is needed and removes it in the end. Raises
    duckdb.Error; a file that is not a DuckDB database is one whatever it begins with, because the
    prefix keeps DuckDB from choosing an extension by its first bytes.
    """
    folder = spill_folder or user_folder()
    label = next(_numbers) if path is None else path.name
    return duckdb.connect(
        ":memory:" if path is None else f"duckdb:{os.path.abspath(path)}",
        read_only=read_only,
        config={
            **_FIXED,
            **({} if memory_limit is None else {"memory_limit": memory_limit}),
            "threads": threads,
            "temp_directory": f"{folder}/spill-{os.getpid()}-{_PROCESS}-{label}" if folder else "",
            "max_temp_directory_size": SPILL_BYTES_MAX,
        },
    )


def refuse_other_files(connection: duckdb.DuckDBPyConnection) -> None:
    """From now on no SQL of this database can reach a file that is not its own, or a host."""
    connection.execute("SET enable_external_access = false")


def user_folder() -> Path | None:
    """A folder below the temporary one that only this user can enter; None where there is none.

    Its name can be known beforehand, so one that somebody else has made, or a link, is not used.
    Without a folder a query that outgrows its memory fails and says so.
    """
    folder = Path(tempfile.gettempdir(), f"span-index-{os.geteuid()}")
    try:
        with suppress(FileExistsError):
            folder.mkdir(PRIVATE_FOLDER)
        status = folder.lstat()
    except OSError:
        return None
    is_ours = status.st_uid == os.geteuid() and stat.S_ISDIR(status.st_mode)
    is_private = stat.S_IMODE(status.st_mode) == PRIVATE_FOLDER
    return folder if is_ours and is_private else None

"""The file of ``--output``: whole or not there, and never in place of another one unasked."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from indexer.errors import QueryRefused
from indexer.system.durable_files import replacing


def check_output(output: str, *, overwrite: bool) -> None:
    """Raises QueryRefused for a name that is taken: before a long question, and not after it."""
    if not overwrite and _is_taken(Path(output)):
        raise _file_exists(output)


@contextmanager
def output_file(output: str, mode: int, *, overwrite: bool) -> Iterator[BinaryIO]:
    """What is written has the name once the block is done; nothing stays of one that raises.

    A pipe or a device is written to as it is. Raises QueryRefused for a name that is taken and for
    a file that cannot be written.
    """
    check_output(output, overwrite=overwrite)
    target = Path(os.path.realpath(output))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        if is_stream(target):
            with target.open("wb") as stream:
                yield stream
        else:
            with replacing(target, temporary, mode, overwrite=overwrite) as file:
                yield file
    except BrokenPipeError:
        raise
    except FileExistsError as error:
        raise _file_exists(output) from error
    except OSError as error:
        raise QueryRefused(
            f"cannot write {output}: {error.strerror or error}", hint="Choose another --output."
        ) from error


def is_stream(target: str | Path) -> bool:
    """Whether it is a pipe, a terminal or a device, which nothing can be renamed to."""
    try:
        mode = os.stat(target).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _file_exists(output: str) -> QueryRefused:
    return QueryRefused(
        f"{output} exists", hint="Choose another --output, or replace it with --overwrite."
    )


def _is_taken(target: Path) -> bool:
    return target.exists() and not is_stream(target)

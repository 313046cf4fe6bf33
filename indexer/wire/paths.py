"""Paths that both ends know, and those that one sends: opened if regular and below a known root."""

import os
import stat as stat_bits
from collections.abc import Iterable, Sequence
from pathlib import Path

SHOWN_CHARACTERS_MAX = 200
"""Of a foreign text in a message."""


def changes_file(wal_path: Path) -> Path:
    """Where an ingestion counts the commits of its log, for a worker of the same machine.

    A commit is counted before it is acknowledged: who finds the number of an earlier state knows
    that nothing which is acknowledged by then is missing in it.
    """
    return wal_path.with_name(wal_path.name + ".changes")


def below(path: str, root: str) -> str | None:
    """The path relative to the root with ``/``, or None for one that is not strictly below it.

    The root may be named as the operator wrote it or as it really is. No ``..``, and no symbolic
    link that leads out.
    """
    if not os.path.isabs(path) or "\0" in path or os.pardir in path.split(os.sep):
        return None
    real_root = os.path.realpath(root)
    for base in (os.path.abspath(root), real_root):
        relative = os.path.relpath(path, base)
        if relative == os.curdir or relative.split(os.sep)[0] == os.pardir:
            continue
        real = os.path.realpath(os.path.join(real_root, relative))
        if real.startswith(os.path.join(real_root, "")):
            return relative.replace(os.sep, "/")
    return None


def is_regular(path: str) -> bool | None:
    """Whether it is a regular file: opening a pipe would wait for ever. None when it is gone."""
    try:
        return stat_bits.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return None


def recent_files(
    paths: Sequence[str], root: str, limit: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(files below the root as its operator names it, problems), of paths given newest first.

    A file that is gone meanwhile stays in the list: whoever reads it has to say so.
    """
    kept, refused = [], []
    for path in paths[:limit]:
        relative = below(path, root)
        absolute = None if relative is None else os.path.join(os.path.abspath(root), relative)
        if absolute is None or is_regular(absolute) is False:
            refused.append(path)
        else:
            kept.append(absolute)
    return tuple(dict.fromkeys(kept)), tuple(_problems(refused, len(paths) - limit))


def excerpt(text: str) -> str:
    """Foreign text for a message: quoted and cut."""
    return repr(text[:SHOWN_CHARACTERS_MAX])


def _problems(refused: Sequence[str], beyond: int) -> Iterable[str]:
    if refused:
        yield (
            f"{len(refused)} recent files are not regular files below the storage root, "
            f"the first is {excerpt(refused[0])}"
        )
    if beyond > 0:
        yield f"{beyond} recent files beyond the limit are left out"

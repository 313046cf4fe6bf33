"""What may lie in a folder under the name of a span file, or beyond what can be named."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LONG_NAME = "n" * 220


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """Bound by a short name of its folder: a socket's own path has 107 bytes at most."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def link_to_nowhere(path: Path) -> None:
    path.symlink_to("nowhere.parquet")


def write_deep(root: Path, levels: int, content: bytes) -> str:
    """``a.parquet`` inside so many folders of long names; the relative path of the last one."""
    folder = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(LONG_NAME, dir_fd=folder)
        outer, folder = folder, os.open(LONG_NAME, os.O_RDONLY, dir_fd=folder)
        os.close(outer)
    file = os.open("a.parquet", os.O_WRONLY | os.O_CREAT, dir_fd=folder)
    os.write(file, content)
    os.close(file)
    os.close(folder)
    return "/".join([LONG_NAME] * levels)

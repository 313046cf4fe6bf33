"""The Unix socket beside the catalog: who may open the catalog may talk to its worker, 0600.

A socket's path is limited to about 100 bytes, so both ends go through the folder's descriptor
where the system shows those as paths.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from indexer.clients.shared.time_limits import ACTION_S, QUESTION_S
from indexer.errors import CatalogBusy, IndexerError, QueryRefused, TransientError
from indexer.system.permissions import PRIVATE_FILE, set_mode

PATIENCE_S = 5.0
"""A command waits so much longer than the worker lets a request take, to be told why it ended."""
_PATH_BYTES_MAX = 100


def socket_path(catalog_path: Path) -> Path:
    """``<catalog>.sock``."""
    return catalog_path.with_name(catalog_path.name + ".sock")


def bind(catalog_path: Path) -> socket.socket:
    """A listening socket that only this user can reach. Only for the holder of the lock."""
    path = socket_path(catalog_path)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    set_mode(listener.fileno(), PRIVATE_FILE)  # Linux gives it to the name, less the umask
    with _short(path) as short:
        listener.bind(short)
    set_mode(path, PRIVATE_FILE)
    listener.listen(128)
    return listener


class LocalClient:
    """Asks a running worker."""

    def __init__(self, catalog_path: Path) -> None:
        self._path = socket_path(catalog_path)

    def is_reachable(self) -> bool:
        """Whether a worker listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, _short(self._path) as path:
            try:
                probe.connect(path)
            except OSError:
                return False
        return True

    def get(self, path: str, **params: Any) -> Any:
        """The JSON answer to a question; a parameter that is None is left out.

        Raises the worker's refusal as an IndexerError.
        """
        given = {name: value for name, value in params.items() if value is not None}
        query = f"?{urlencode(given, errors='surrogateescape')}" if given else ""
        return self._ask("GET", path + query, QUESTION_S)

    def post(self, path: str) -> Any:
        """The JSON answer to an action."""
        return self._ask("POST", path, ACTION_S)

    def _ask(self, method: str, target: str, limit_s: float) -> Any:
        with _short(self._path) as short:
            transport = httpx.HTTPTransport(uds=short)
            with httpx.Client(transport=transport, timeout=limit_s + PATIENCE_S) as client:
                try:
                    response = client.request(method, f"http://worker{target}")
                except httpx.InvalidURL as error:
                    raise QueryRefused(str(error), hint="Ask for something shorter.") from error
                except httpx.TransportError as error:
                    raise CatalogBusy(f"the worker does not answer: {error}") from error
        if response.is_error:
            raise _raised(response)
        return response.json()


def path_text(text: str) -> str:
    """Any text as one segment of a path, whatever characters it has."""
    return quote(text, safe="", errors="surrogateescape")


def _raised(response: httpx.Response) -> IndexerError:
    try:
        problem = response.json()
    except ValueError:
        return TransientError(f"the worker answered {response.status_code}", hint="See its log.")
    kind = QueryRefused if response.is_client_error else TransientError
    return kind(problem["detail"], hint=problem.get("hint", ""))


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A path to the socket that fits into an address."""
    if len(os.fsencode(path)) <= _PATH_BYTES_MAX or not Path("/proc/self/fd").exists():
        yield str(path)
        return
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield str(path.name)
        return
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)

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

import httpx

from indexer.errors import CatalogBusy, IndexerError, QueryRefused, TransientError
from indexer.system.permissions import PRIVATE_FILE, set_mode

ANSWER_TIMEOUT_S = 600.0
"""The longest a local command waits: a snapshot of a large catalog."""
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
        """The JSON answer. Raises the worker's refusal as an IndexerError."""
        return self._ask("GET", path, params)

    def post(self, path: str) -> Any:
        """The JSON answer to an action."""
        return self._ask("POST", path, {})

    def _ask(self, method: str, path: str, params: dict[str, Any]) -> Any:
        with _short(self._path) as short:
            transport = httpx.HTTPTransport(uds=short)
            with httpx.Client(transport=transport, timeout=ANSWER_TIMEOUT_S) as client:
                try:
                    response = client.request(method, f"http://worker{path}", params=params)
                except httpx.TransportError as error:
                    raise CatalogBusy(f"the worker does not answer: {error}") from error
        if response.is_error:
            raise _raised(response)
        return response.json()


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

"""The Unix socket beside the catalog: who may open the catalog may talk to its worker, 0600.

A socket's path is limited to about 100 bytes, so both ends go through the folder's descriptor
where the system shows those as paths, and else through a link to the folder.
"""

import json
import os
import socket
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from indexer.clients.local_http import BrokenAnswer, HttpAnswer, ask, send
from indexer.clients.shared.time_limits import ACTION_S, HEARTBEAT_S, QUESTION_S
from indexer.errors import CatalogBusy, IndexerError, QueryRefused, TransientError
from indexer.http.limits import HEAD_BYTES_MAX
from indexer.system.permissions import PRIVATE_FILE, set_mode

PATIENCE_S = 5.0
"""A command waits so much longer than the worker lets a request take, to be told why it ended."""
_PATH_BYTES_MAX = 100
_DESCRIPTORS = Path("/proc/self/fd")


def socket_path(catalog_path: Path) -> Path:
    """``<catalog>.sock``."""
    return catalog_path.with_name(catalog_path.name + ".sock")


def bind(catalog_path: Path) -> socket.socket:
    """A listening socket that only this user can reach. Only for the holder of the lock."""
    path = socket_path(catalog_path)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if sys.platform == "linux":  # which gives it to the name, less the umask
        set_mode(listener.fileno(), PRIVATE_FILE)
    with _short(path) as short:
        listener.bind(short)
    set_mode(path, PRIVATE_FILE)
    listener.listen(128)
    return listener


def _query_string(params: Mapping[str, Any]) -> str:
    given = {name: value for name, value in params.items() if value is not None}
    return f"?{urlencode(given, doseq=True, errors='surrogateescape')}" if given else ""


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
        return json.loads(self.content(path, **params))

    def content(self, path: str, **params: Any) -> bytes:
        """The same for an answer of any media type."""
        return self._ask("GET", path + _query_string(params), QUESTION_S)

    def events(self, path: str, **params: Any) -> Iterator[tuple[str, Any]]:
        """Events of a stream, each with its name and the JSON value that it brings, until its end.

        Raises the worker's refusal as an IndexerError, CatalogBusy for a stream that breaks off.
        """
        target = path + _query_string(params)
        with self._connected(HEARTBEAT_S) as channel:
            answer = ask(channel, "GET", target)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise _refusal(answer.status, answer.read())
            yield from _events(answer)

    def lines(self, path: str) -> Generator[Any, None, None]:
        """The JSON value of each line of the answer to an action, as they come.

        Raises the worker's refusal as an IndexerError, CatalogBusy for an answer that breaks off.
        """
        with self._connected(ACTION_S) as channel:
            answer = ask(channel, "POST", path)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise _refusal(answer.status, answer.read())
            yield from map(json.loads, answer.lines())

    def post(self, path: str, **params: Any) -> Any:
        """The JSON answer to an action; a parameter that is None is left out."""
        return json.loads(self._ask("POST", path + _query_string(params), ACTION_S))

    def delete(self, path: str) -> None:
        """What has that path is not asked for any more; nobody waits until the worker knows."""
        with self._connected(QUESTION_S) as channel:
            send(channel, "DELETE", path)

    def _ask(self, method: str, target: str, limit_s: float) -> bytes:
        if len(target) > HEAD_BYTES_MAX:
            raise QueryRefused(
                f"the query has {len(target)} characters, limit {HEAD_BYTES_MAX}",
                hint="Shorten it.",
            )
        with self._connected(limit_s) as channel:
            answer = ask(channel, method, target)
            body = answer.read()
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _refusal(answer.status, body)
        return body

    @contextmanager
    def _connected(self, limit_s: float) -> Iterator[socket.socket]:
        """A connection; no byte of an answer takes longer than the limit and some patience.

        Raises CatalogBusy where nobody answers, or not to the end.
        """
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
                channel.settimeout(limit_s + PATIENCE_S)
                with _short(self._path) as short:
                    channel.connect(short)
                yield channel
        except (OSError, BrokenAnswer) as error:
            raise CatalogBusy(f"the worker does not answer: {error}") from error


def _events(answer: HttpAnswer) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.lines():
        field, _, value = line.decode().partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def path_text(text: str) -> str:
    """Any text as one segment of a path, whatever characters it has."""
    return quote(text, safe="", errors="surrogateescape")


def _refusal(status: int, body: bytes) -> IndexerError:
    """What problem details (RFC 9457) of the worker say."""
    try:
        problem = json.loads(body)
    except ValueError:
        return TransientError(f"the worker answered {status}", hint="See its log.")
    is_refused = status < HTTPStatus.INTERNAL_SERVER_ERROR
    kind = QueryRefused if is_refused else TransientError
    return kind(problem["detail"], hint=problem.get("hint", ""))


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A path to the socket that fits into an address."""
    if len(os.fsencode(path)) <= _PATH_BYTES_MAX:
        yield str(path)
        return
    if not _DESCRIPTORS.exists():
        from tempfile import TemporaryDirectory  # noqa: PLC0415 - Linux needs none

        with TemporaryDirectory(prefix="span-") as folder_of_link:
            link = os.path.join(folder_of_link, "d")
            os.symlink(os.path.abspath(path.parent), link)
            yield f"{link}/{path.name}"
        return
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        yield str(path.name)
        return
    try:
        yield f"{_DESCRIPTORS}/{folder}/{path.name}"
    finally:
        os.close(folder)

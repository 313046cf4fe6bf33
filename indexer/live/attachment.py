"""Live schemas of this process: attached, found again, and ended in whichever way they end.

They end by ``detach``, by DETACH in DuckDB, with the connection, and with the interpreter. Only
the first one waits for requests in hand.
"""

import atexit
import itertools
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, Self

import duckdb

from indexer.errors import QueryRefused
from indexer.live import catalog
from indexer.live.address import receiver_address
from indexer.live.exports import exporter
from indexer.live.leases import Leases
from indexer.live.limits import BYTES_MAX, DECODED_SHARE, ROWS_MAX, RingLimits
from indexer.live.receiver import Receiver
from indexer.live.schema import SIGNALS, LiveSchema, otlp_schema
from indexer.system.addresses import Address
from indexer.system.duckdb_rows import quoted_name

_numbers = itertools.count(1)
_attached: dict[int, "Attachment"] = {}
_readers: "weakref.WeakSet[duckdb.DuckDBPyConnection]" = weakref.WeakSet()
_ends: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()
_ending = threading.Event()


def attach(
    connection: duckdb.DuckDBPyConnection,
    url: str,
    *,
    alias: str = "live",
    max_rows: int = ROWS_MAX,
    max_bytes: int = BYTES_MAX,
    pinned_bytes_max: int | None = None,
    decoded_bytes_max: int | None = None,
    http_port: int | None = None,
    token: str = "",
    allow_open: str = "",
) -> "Attachment":
    """Receive OTLP at ``otlp://host:port`` into the live tables of a schema.

    Each of the rings of traces, logs and metrics has at most ``max_rows`` rows and ``max_bytes``
    bytes, as they were sent. What queries hold beyond that is ``pinned_bytes_max`` bytes at most,
    by default ``max_bytes``; the rows that were made for them are kept up to ``decoded_bytes_max``,
    by default four times ``max_bytes``. HTTP is served at ``http_port``, by default the port after
    that of gRPC; a negative one turns it off. A ``token`` is asked of senders as
    ``x-junjo-api-key`` or ``Authorization: Bearer``, and needed where other machines can reach the
    port, unless ``allow_open`` is ``yes-without-a-token``.

    Raises InvalidSettings for an address that cannot be parsed or bound, QueryRefused for an option
    that cannot be, duckdb.Error where the name is taken.
    """
    limits = RingLimits(rows=max_rows, bytes=max_bytes)
    address = receiver_address(url, http_port=http_port, token=token, allow_open=allow_open)
    schema = otlp_schema(
        limits,
        pinned_bytes_max=_at_least_0("pinned_bytes_max", pinned_bytes_max, max_bytes),
        decoded_bytes_max=_at_least_0(
            "decoded_bytes_max", decoded_bytes_max, max_bytes * DECODED_SHARE
        ),
    )
    exports = {signal: exporter(signal, schema.snapshots.append, limits) for signal in SIGNALS}
    with ExitStack() as opening:
        receiver = Receiver(address, exports)
        opening.callback(receiver.stop)
        made = Attachment(connection, alias, schema, receiver)
        opening.pop_all()
    return made


def detach(connection: duckdb.DuckDBPyConnection, alias: str = "live") -> None:
    """Drop the live schema, answer the requests in hand, and free the ports.

    Queries that run end with what they see. Raises QueryRefused when there is no such schema, and
    duckdb.Error while it is the connection's default.
    """
    found = find(connection, alias)
    if found is None:
        raise QueryRefused(f"{alias} is not a live schema", hint="See SHOW DATABASES.")
    connection.execute(f"DETACH {quoted_name(alias)}")
    found.close()


def find(connection: duckdb.DuckDBPyConnection, alias: str) -> "Attachment | None":
    """The live schema of that name in the database, from any of its cursors."""
    number = catalog.number_of(connection, alias)
    return None if number is None else _attached.get(number)


class Attachment:
    """A live schema in DuckDB and what fills it."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        alias: str,
        schema: LiveSchema,
        receiver: Receiver | None = None,
    ) -> None:
        self.alias = alias
        self.schema = schema
        self._connection = weakref.ref(connection)
        self._receiver = receiver
        schema.addresses = dict(receiver.addresses) if receiver else {}
        self._closing = threading.Lock()
        self._reading = threading.Lock()
        """Held by whoever uses the reader once the connection is gone."""
        self._finalizer: weakref.finalize[Any, duckdb.DuckDBPyConnection] | None = None
        self._number = next(_numbers)
        _attached[self._number] = self
        try:
            self._create(connection)
        except BaseException:
            _attached.pop(self._number, None)
            raise

    def _create(self, connection: duckdb.DuckDBPyConnection) -> None:
        reader = connection.cursor()
        _readers.add(reader)
        leases = Leases(self.schema, reader, self._gone)
        catalog.create_database(connection, self.alias, leases, self._number)
        del leases  # DuckDB has it now
        self._finalizer = weakref.finalize(connection, self._forgotten, reader)
        self._finalizer.atexit = False
        try:
            for table in self.schema.tables:
                catalog.create_view(connection, self.alias, self.schema, table)
            receives = self._receiver is not None
            catalog.create_state_views(connection, self.alias, receives=receives)
            catalog.shadow_lists(connection)
        except BaseException:
            connection.execute(f"DETACH {quoted_name(self.alias)}")
            raise

    @property
    def addresses(self) -> dict[str, Address]:
        """Where it receives, by ``grpc`` and ``http``."""
        return dict(self.schema.addresses)

    def detach(self) -> None:
        """As ``detach`` of its connection and alias; nothing where that has happened."""
        connection = self._connection()
        if connection is None or self._number not in _attached:
            self.close()
        else:
            detach(connection, self.alias)

    def close(self) -> None:
        """Stop receiving and let go of all rows. Whoever comes second waits for the first."""
        with self._closing:
            if self._receiver is not None:
                self._receiver.stop()
            self.schema.snapshots.close()
            _attached.pop(self._number, None)
            if self._finalizer is not None:
                self._finalizer.detach()  # or the connection would keep all of this

    def close_connection(self) -> None:
        """For the end of the interpreter, after which no thread of DuckDB may come back to it."""
        connection = self._connection()
        if connection is not None:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def _forgotten(self, reader: duckdb.DuckDBPyConnection) -> None:
        """The connection that attached is gone, and nobody can detach any more."""

        def end() -> None:
            with self._reading, suppress(duckdb.Error):
                reader.execute(f"DETACH {quoted_name(self.alias)}")

        if self._number in _attached:
            _later(end)

    def _gone(self, reader: duckdb.DuckDBPyConnection) -> None:
        """DuckDB has let go of the schema, maybe while it holds locks: nothing may wait here."""

        def end() -> None:
            self.close()
            with self._reading:
                reader.close()

        _later(end)


def _at_least_0(name: str, asked: int | None, otherwise: int) -> int:
    if asked is None:
        return otherwise
    if asked < 0:
        raise QueryRefused(f"invalid {name} {asked}", hint="It is 0 or more.")
    return asked


def _later(end: Callable[[], None]) -> None:
    """On a thread, because whoever asks may hold locks of DuckDB.

    The interpreter waits for it: one that were stopped inside of DuckDB would abort the process.
    When the interpreter ends, what is attached has been closed.
    """
    if not _ending.is_set():
        thread = threading.Thread(target=end, name="live-end", daemon=False)
        thread.start()
        _ends.add(thread)


def _close_all() -> None:
    _ending.set()
    for thread in list(_ends):
        thread.join()
    for attachment in list(_attached.values()):
        attachment.close()
        attachment.close_connection()
    for reader in list(_readers):
        reader.close()


def _forget_all(*_: Any) -> None:
    """In a child of a fork: what is attached is the parent's."""
    _attached.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)

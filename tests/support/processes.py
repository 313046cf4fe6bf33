"""Real processes of the program: started, asked over their socket, and always ended.

Every process is started through a ``Site`` and ended by its ``close``, whatever the test did. A
test waits by ``wait_until``, which polls a condition and says what it was waiting for.
"""

from __future__ import annotations

import http.client
import io
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from indexer.cli.main import main
from tests.support.process_logging import logging_as_before
from tests.support.span_files import Span, write

REPOSITORY = Path(__file__).resolve().parents[2]
STEP_S = 0.01
PATIENCE_S = 100.0
"""For states, however busy the machine is: with ten times more work than cores a start takes 30."""
_NEIGHBOURS = 16
_OWN = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _NEIGHBOURS
PORTS = range(10_000 + _OWN, 32_000, _NEIGHBOURS)
"""Below those that the kernel gives to clients, and each process of a run has others: nobody takes
one between the choice and its use."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the worker said to a request."""

    code: int
    media_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def wait_until(
    condition: Callable[[], Any], what: str | Callable[[], str], *, deadline_s: float = PATIENCE_S
) -> Any:
    """The first true value of ``condition``; fails with ``what`` when the deadline passes."""
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(
                f"not within {deadline_s} s: {what if isinstance(what, str) else what()}"
            )
        time.sleep(STEP_S)
    return value


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    found: list[int] = []
    while len(found) < count:
        port = random.SystemRandom().choice(PORTS)
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.extend({port} - set(found))
    return found


class Running:
    """A started process; what it says goes to files, so that no pipe can fill up."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Log lines written as JSON."""
        whole = self.err[: self.err.rfind("\n") + 1]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        return self.process.wait(timeout_s)

    def kill(self) -> None:
        """``kill -9`` to it and to what it started, and wait. Harmless when it has ended."""
        if not self.has_ended:
            os.killpg(self.pid, signal.SIGKILL)  # it leads a session of its own
        self.process.wait()


class Site:
    """A storage root, a catalog path and the processes that work on them."""

    def __init__(
        self, folder: Path, *, root: Path | None = None, pointer: Path | None = None, **env: object
    ) -> None:
        self.folder = folder
        self.root = root or folder / "spans"
        self.root.mkdir(parents=True, exist_ok=True)
        self.pointer = pointer or folder / "db" / "index.duckdb"
        self.env = _clean_environment()
        self.set(
            JUNJO_SPAN_STORAGE_PATH=self.root,
            JUNJO_DUCKDB_PATH=self.pointer,
            INDEXER_SETTLE_SECONDS=0.2,
            INDEXER_POLL_INTERVAL=3600,
            INDEXER_STOP_TIMEOUT=60,
            INDEXER_LOG_FORMAT="json",
            INDEXER_HTTP_LISTEN="127.0.0.1:0",
            INGESTION_HTTP_LISTEN="127.0.0.1:0",
            **env,
        )
        self._started: list[Running] = []

    def set(self, **env: object) -> None:
        """Settings of processes started from now on."""
        self.env.update({name: str(value) for name, value in env.items()})

    def write(self, name: str, rows: Sequence[Span], **options: object) -> Path:
        """A finished span file below the root."""
        return write(self.root / name, rows, **options)

    def run(
        self, *arguments: str, env: dict[str, str] | None = None, timeout_s: float = PATIENCE_S
    ) -> Done:
        """``python -m indexer ARGUMENTS``, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "indexer", *arguments],
            cwd=REPOSITORY,
            env={**self.env, **(env or {})},
            capture_output=True,
            timeout=timeout_s,
            encoding="utf-8",
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    def call(self, *arguments: str) -> Done:
        """The same in this process, without the start of a Python: for commands that only ask."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
        present = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.env)
        try:
            with logging_as_before(), redirect_stdout(out), redirect_stderr(err):
                code = _exit_code(arguments)
        finally:
            os.environ.clear()
            os.environ.update(present)
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
        return Done(code=code, out=texts[0], err=texts[1])

    def start(self, *arguments: str) -> Running:
        """``python -m indexer ARGUMENTS``, in the background."""
        return self.start_command([sys.executable, "-m", "indexer", *arguments])

    def start_command(self, command: Sequence[str], *, cwd: Path = REPOSITORY) -> Running:
        """Any process, in the background, ended with the site."""
        folder = self.folder / "processes" / str(len(self._started))
        folder.mkdir(parents=True)
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        running = Running(process, folder)
        self._started.append(running)
        return running

    def worker(self, **env: object) -> Running:
        """A worker that answers, watches, and has swept once."""
        self.set(**env)
        running = self.start()
        self.wait_ready(running)
        return running

    def wait_ready(self, running: Running, *, deadline_s: float = PATIENCE_S) -> None:
        def ready() -> bool:
            assert not running.has_ended, f"the worker ended early: {running.err}"
            status = self.status()
            return status is not None and bool(status["swept_at"]) and self._watches(status)

        wait_until(ready, lambda: f"a worker that is ready: {running.err}", deadline_s=deadline_s)

    def _watches(self, status: dict[str, Any]) -> bool:
        return bool(status["watching"]) or self.env.get("INDEXER_WATCH") == "false"

    def status(self) -> dict[str, Any] | None:
        """The worker's status, or None while none answers."""
        try:
            answer = self.get("/status")
        except (OSError, http.client.HTTPException):
            return None
        return answer.json if answer.code == 200 else None

    def wait_files(self, count: int) -> dict[str, Any]:
        """Wait until the worker has so many files registered and none waiting; its status."""
        return wait_until(
            lambda: (
                (status := self.status())
                and status.get("files") == count
                and not status["files_ready"] + status["files_waiting"]
                and status
            ),
            lambda: f"{count} files; {self.status()}",
        )

    def wait_promoted(self, count: int) -> dict[str, Any]:
        """The same, and until the second pass over them is done: nothing changes by itself then."""
        self.wait_files(count)
        return wait_until(
            lambda: (status := self.status()) and not status["files_to_promote"] and status,
            lambda: f"the second pass over {count} files; {self.status()}",
        )

    def trace(self, trace: int) -> list[dict[str, Any]]:
        """The spans that the worker answers for a trace; none while it opens its catalog anew."""
        answer = self.get(f"/api/v1/traces/{trace:032x}")
        assert answer.code in (200, 503), answer.body
        found: list[dict[str, Any]] = answer.json["spans"] if answer.code == 200 else []
        return found

    def get(self, path: str, **params: object) -> Answer:
        """One request over the worker's socket; ``path`` is sent as it stands."""
        query = f"?{urlencode(params)}" if params else ""
        return self.request("GET", path + query)

    def request(self, method: str, target: str) -> Answer:
        """One request and its whole answer."""
        with self.connected() as connection:
            connection.request(method, target)
            response = connection.getresponse()
            return Answer(
                code=response.status,
                media_type=response.headers.get_content_type(),
                body=response.read(),
            )

    @contextmanager
    def connected(self) -> Iterator[http.client.HTTPConnection]:
        """A connection to the worker. Raises OSError while none listens."""
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as channel:
            channel.settimeout(PATIENCE_S)
            with self.socket_address() as address:
                channel.connect(address)
            connection = http.client.HTTPConnection("worker")
            connection.sock = channel
            yield connection

    @contextmanager
    def socket_address(self) -> Iterator[str]:
        """The socket's path, short enough for an address however deep ``tmp_path`` is."""
        folder = os.open(self.pointer.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{self.pointer.name}.sock"
        finally:
            os.close(folder)

    def end(self, running: Running, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait; its exit code."""
        running.signal(number)
        return running.wait()

    def close(self) -> None:
        """End every process that was started here."""
        for running in self._started:
            running.kill()
            if running.process.stdin is not None:
                running.process.stdin.close()


@contextmanager
def asking(
    site: Site, *paths: str, threads: int = 1, to_the_end: bool = True
) -> Iterator[list[Answer]]:
    """Questions without a pause, from several threads; the answers, once it has ended.

    With ``to_the_end`` a worker that hangs up is a failure.
    """
    answers: list[Answer] = []
    stop = threading.Event()

    def ask() -> None:
        for path in itertools.cycle(paths):
            if stop.is_set():
                return
            try:
                answers.append(site.get(path))
            except (OSError, http.client.HTTPException):
                if to_the_end:
                    raise
                return

    with ThreadPoolExecutor(threads) as pool:
        asked = [pool.submit(ask) for _ in range(threads)]
        try:
            yield answers
        finally:
            stop.set()
    for one in asked:
        one.result()


def _exit_code(arguments: Sequence[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as error:  # argparse's way to end
        return int(error.code or 0)


def _clean_environment() -> dict[str, str]:
    """The environment without settings of the program or of make; PYTHONPATH from anywhere."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("INDEXER_", "JUNJO_", "SPAN_TEST_", "OTEL_", "MAKE", "MFLAGS"))
    }
    if "PYTHONPATH" in env:
        env["PYTHONPATH"] = os.pathsep.join(
            str(Path(part).resolve()) for part in env["PYTHONPATH"].split(os.pathsep)
        )
    return env

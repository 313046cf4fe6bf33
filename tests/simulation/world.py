"""One history: a storage folder that writers, accidents and operators change at random.

Everything random comes from one generator, every time from one clock, so a seed replays a
history. The catalog is a real DuckDB file; a crash leaves exactly what was committed on disk.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from indexer.catalog.database import Catalog
from indexer.catalog.files import FileRegister
from indexer.index.oneshot import until_settled
from indexer.index.pipeline import Limits, Pipeline
from tests.simulation.faults import EMPTY, CrashingConnection, FaultyStorage, SimulatedCrash
from tests.simulation.oddities import Oddities
from tests.simulation.truth import Truth, ask_around_commits
from tests.simulation.upheavals import Upheavals
from tests.support.catalogs import paths_below
from tests.support.fake_clock import FakeClock
from tests.support.span_files import T0, Span, parquet_bytes

SETTLE_S = 5.0
KEYS = ("error.type", "gen_ai.operation.name", "junjo.span_type")
FAR_STARTS = (0, -1, -(10**18), 2**63 - 2 * 10**6)
"""Unknown, before 1970, and within the last moment that an int64 of nanoseconds holds."""
ATTRIBUTES = (
    "{}",
    '{"error.type":"timeout"}',
    '{"error.type":7,"gen_ai.operation.name":"chat"}',
    '{"gen_ai.operation.name":null,"junjo.span_type":{"a":[1]}}',
    "no JSON",
)


class World:
    """The disk, the process, and what may happen to them."""

    def __init__(self, folder: Path, seed: int, *, odd: bool = True) -> None:
        """Without ``odd`` the disk has plain files and links only."""
        self.random = random.Random(seed)
        self.second = random.Random(~seed)
        """For what came later: seeds that found something replay the history they found it in."""
        self.kinds = random.Random(f"kinds {seed}")
        """And for what came after that."""
        self.keys: tuple[str, ...] = KEYS[:2]
        self.clock = FakeClock()
        self.root = folder / "spans"
        self.root.mkdir()
        self.catalog_path = folder / "catalog.duckdb"
        self.storage = FaultyStorage(self.root)
        self.hints: list[str] = []
        self.unfinished: dict[Path, bytes] = {}
        self.history: list[str] = []
        odd_spans = random.Random(f"spans {seed}")
        self.oddities = Oddities(self.root, seed, lambda: self._content(odd_spans)) if odd else None
        self.disasters = random.Random(f"disasters {seed}") if odd else None
        self.upheavals = Upheavals(self.root, seed, self._spans) if odd else None
        self.truth = Truth(self.root)
        self.untold: set[str] = set()
        """Paths that changed, and of which neither an event nor a listing has told yet."""
        self.was_covered = False
        self.start()

    def run(self, steps: int) -> None:
        """A random history, then quiet: writers finish, mounts return, the worker catches up."""
        actions = self._actions()
        names = list(actions)
        weights = [self.random.choice((0, 1, 1, 3)) for _ in names]  # some classes never happen
        weights[names.index("add")] += 2
        weights[names.index("work")] += 2
        for _ in range(steps):
            name = self.random.choices(names, weights)[0]
            self.history.append(name)
            self._guarded(actions[name])
            self._attributes()
            self._odd_things()
            self._check_truth()
            self._check_a_trace()
        self._quiesce()

    def _odd_things(self) -> None:
        if self.oddities is None or self.upheavals is None:
            return
        name, hints = self.oddities.happen()
        self._tell(*hints)
        self.history += [name] if name else []
        self._disaster()
        name, touched = self.upheavals.happen(set(self.unfinished))
        self.untold |= set(map(str, touched))
        self.history += [name] if name else []
        if self.upheavals.random.random() < 0.3:
            self.history.append("sweep and work")
            self._guarded(self._sweep)
            self._check_truth()
            self._guarded(lambda: self.pipeline.drain(lambda: False))

    def _disaster(self) -> None:
        """An empty folder is mounted over the root; somebody deletes the catalog, and restarts."""
        drawn = 1.0 if self.disasters is None else self.disasters.random()
        if drawn < 0.04:
            self.history.append("cover the root")
            self.storage.fault = "covered"
            self.untold.add("a fault")
        elif drawn < 0.08:
            self.history.append("delete the catalog")
            self._end_process()
            self.catalog_path.unlink()
            Path(f"{self.catalog_path}.wal").unlink(missing_ok=True)
            self.start()

    def _tell(self, *paths: Path) -> None:
        """An event names the paths, sooner or later, unless it is lost."""
        self.hints += map(str, paths)
        self.untold |= set(map(str, paths))

    @property
    def connection(self) -> Any:
        """The catalog's, whatever is armed to end the process."""
        return getattr(self.catalog.connection, "_connection", self.catalog.connection)

    def _check_truth(self, *, uncommitted: bool = False) -> None:
        """Where the files can be looked at, a reader's answers are compared with them."""
        if self.oddities is None or self.oddities.has_closed_folder:
            return
        if self.storage.fault not in EMPTY:
            check = self.truth.check_traces if uncommitted else self.truth.check_content
            check(self.pipeline, self.catalog, self.connection, told=not self.untold)

    def _check_a_trace(self) -> None:
        if self.upheavals is not None:
            trace_id = f"{self.upheavals.random.randint(1, 5):032x}"
            self.truth.check_trace(self.pipeline, self.connection, trace_id)

    def start(self, *, sure: bool = False) -> None:
        """A new process over what is on disk, by an operator who is ``sure`` of removals or not."""
        self.catalog = Catalog.open(self.catalog_path, threads=1)
        register = FileRegister(self.catalog, self.clock, str(self.root), promoted_keys=self.keys)
        files = self.random.choice((1, 3, 100))
        limits = Limits(batch_files=files, readers=1, settle_s=SETTLE_S, read_ahead=1)
        self.pipeline = Pipeline(self.storage, register, self.clock, limits, accept_removals=sure)
        ask_around_commits(register, self._check_truth)

    def crash(self) -> None:
        """End the process as SIGKILL does: memory is gone, the disk is as it is."""
        saved = self.catalog_path.with_suffix(".crashed")
        wal = Path(f"{self.catalog_path}.wal")
        shutil.copyfile(self.catalog_path, saved)
        wal_bytes = wal.read_bytes() if wal.exists() else None
        self._end_process()
        wal.unlink(missing_ok=True)
        os.replace(saved, self.catalog_path)
        if wal_bytes is not None:
            wal.write_bytes(wal_bytes)
        self.start()

    def close(self) -> None:
        self._end_process()

    def _end_process(self) -> None:
        self.pipeline.close()
        self.connection.close()

    def _attributes(self) -> None:
        """The second pass now and then, and an operator who wants other attributes."""
        drawn = self.second.random()
        if drawn < 0.3:
            self.history.append("promote")
            self._guarded(lambda: self.pipeline.promotion.finish(lambda: drawn < 0.05))
        elif drawn < 0.33:
            self.history.append("other keys")
            self.keys = tuple(self.second.sample(KEYS, self.second.randint(0, len(KEYS))))
            self.crash()

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except SimulatedCrash:
            self.history.append("crash inside")
            self.crash()

    def _quiesce(self) -> None:
        self.storage.fault = ""
        if self.oddities is not None:
            self.oddities.open_folders()
        for path, content in self.unfinished.items():
            self._write(path, content)
        self.catalog.connection = self.connection
        self.untold.clear()
        for looks in range(4):
            self.clock.advance(SETTLE_S + 3)
            until_settled(self.pipeline, lambda: False)
            if looks == 2 and "--accept-removals" in str(self.pipeline.outstanding()):
                self._end_process()  # only an operator knows that the folder is the right one
                self.start(sure=True)

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {
            "add": self._add,
            "copy": self._copy,
            "begin": self._begin,
            "grow": self._grow,
            "garbage": lambda: self._put(self._path(), self.random.randbytes(40)),
            "foreign": lambda: self._put(self._path(), _foreign()),
            "rewrite": self._rewrite,
            "rewrite in place": lambda: self._rewrite(in_place=True),
            "rewrite in the same tick": self._rewrite_same_tick,
            "rename": self._rename,
            "remove": self._remove,
            "remove folder": self._remove_folder,
            "link": self._link,
            "ignored": self._ignored,
            "work": self._work,
            "work between": self._work,
            "sweep": self._sweep,
            "double hints": lambda: self.hints.extend(self.hints),
            "lose hints": self.hints.clear,
            "advance": lambda: self.clock.advance(self.random.choice((0.5, 3.0, 9.0))),
            "step clock": lambda: self.clock.step_wall(self.random.choice((-3600, 86400))),
            "fault": self._fault,
            "repair": self._repair,
            "crash": self.crash,
            "arm crash": self._arm,
        }

    def _work(self) -> None:
        if self.disasters and (self.storage.fault == "covered") != self.was_covered:
            self._sweep()  # a watch ends with the folder that it was on, and begins with a listing
        self.random.shuffle(self.hints)
        taken = [self.hints.pop() for _ in range(self.random.randint(0, len(self.hints)))]
        self.untold -= set(taken)
        self.pipeline.look(taken)
        self.pipeline.wake()
        self.pipeline.drain(lambda: False)

    def _sweep(self) -> None:
        """What cannot be seen is not gone: a lost mount removes nothing from the index."""
        before = set(self.pipeline.register.files)
        self.pipeline.sweep()
        self.untold.clear()  # not before: until it ends, its listing has told nobody
        self.was_covered = self.storage.fault == "covered"
        if self.storage.fault in {*EMPTY, "unlistable"}:
            lost = before - set(self.pipeline.register.files)
            assert not lost, f"{lost} left the index while the storage was {self.storage.fault}"

    def _arm(self) -> None:
        fuse, after = self.random.randint(1, 25), self.random.random() < 0.5
        self.catalog.connection = CrashingConnection(self.connection, fuse, after=after)

    def _fault(self) -> None:
        self.storage.fault = self.random.choice(("unmounted", "unlistable", "a", "b/c"))
        self.untold.add("a fault")

    def _repair(self) -> None:
        self.storage.fault = ""
        self.untold.add("a repair")

    def _add(self) -> None:
        self._put(self._path(), self._content())

    def _copy(self) -> None:
        path = self._some_file()
        if path:
            self._put(self._path(), path.read_bytes())

    def _begin(self) -> None:
        """A writer that creates the final name first."""
        path, content = self._path(), self._content()
        self._write(path, content[: self.random.randint(0, len(content) - 1)])
        self.unfinished[path] = content

    def _grow(self) -> None:
        if not self.unfinished:
            return
        path = self.random.choice(sorted(self.unfinished))
        content = self.unfinished[path]
        if self.random.random() < 0.5:
            del self.unfinished[path]
            self._write(path, content)
        else:
            self._write(path, content[: self.random.randint(0, len(content) - 1)])

    def _rewrite(self, *, in_place: bool = False) -> None:
        path = self._some_file()
        if path:
            (self._write if in_place else self._put)(path, self._content())

    def _rewrite_same_tick(self) -> None:
        """Two versions of one size in one tick of the file system's clock; work in between."""
        path, spans = self._path(), self._spans()
        options = {"compression": "none", "use_dictionary": False}
        first = parquet_bytes(spans, **options)
        second = parquet_bytes(
            [Span(**{**vars(span), "duration": span.duration + 1}) for span in spans], **options
        )
        if len(first) != len(second):
            return
        self._write(path, first)
        stamp = path.stat().st_mtime_ns
        self.untold.discard(str(path))
        self.pipeline.look([str(path)])
        self._guarded(lambda: self.pipeline.drain(lambda: False))
        self.untold.add(str(path))
        path.write_bytes(second)
        os.utime(path, ns=(stamp, stamp))
        self.unfinished.pop(path, None)

    def _rename(self) -> None:
        source = self._some_file()
        if source:
            target = self._path()
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
            self.unfinished.pop(target, None)
            if source in self.unfinished:
                self.unfinished[target] = self.unfinished.pop(source)
            self._tell(source, target)

    def _remove(self) -> None:
        path = self._some_file()
        if path:
            path.unlink()
            self.unfinished.pop(path, None)
            self._tell(path)

    def _remove_folder(self) -> None:
        folder = self.root / self.random.choice(("a", "b/c"))
        if folder.exists():
            shutil.rmtree(folder)
            for path in [path for path in self.unfinished if folder in path.parents]:
                del self.unfinished[path]
            self._tell(folder)

    def _link(self) -> None:
        target = self._some_file()
        link = self.root / f"link{self.random.randint(0, 3)}.parquet"
        if target and not link.is_symlink() and not link.exists():
            link.symlink_to(target)
            self._tell(link)

    def _ignored(self) -> None:
        name = self.random.choice((".hidden.parquet", "tmp/x.parquet", "a/x.parquet.tmp"))
        self._put(self.root / name, self._content())

    def _path(self) -> Path:
        folder = self.random.choice(("", "a", "b/c"))
        return self.root / folder / f"f{self.random.randint(0, 6)}.parquet"

    def _some_file(self) -> Path | None:
        files = [path for path in paths_below(self.root) if path.name.startswith("f")]
        return self.random.choice(files) if files else None

    def _spans(self, pick: random.Random | None = None) -> list[Span]:
        far = (*FAR_STARTS, *[None] * 20) if pick is not None else (None,)
        pick = pick or self.random
        return [
            Span(
                trace=pick.randint(1, 5),
                span=pick.randint(1, 8),
                parent=pick.choice((None, 1, 2)),
                service=pick.choice(("shop", "cart", "bank")),
                name=pick.choice(("GET /", "POST /", "query")),
                start=_start(T0 + pick.randint(0, 10**9), pick, far),
                duration=pick.randint(0, 10**6),
                status=pick.choice((0, 1, 2)),
                attributes=(self.second if pick is self.random else pick).choice(ATTRIBUTES),
                kind=self.kinds.choice((2, 2, 3)),
            )
            for _ in range(pick.randint(0, 12))
        ]

    def _content(self, pick: random.Random | None = None) -> bytes:
        return parquet_bytes(self._spans(pick))

    def _put(self, path: Path, content: bytes) -> None:
        """Write under another name and rename, as a good writer does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(path.name + ".part")
        temporary.write_bytes(content)
        self._stamp(temporary)
        os.replace(temporary, path)
        self.unfinished.pop(path, None)
        self._tell(path)

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._stamp(path)
        self._tell(path)

    def _stamp(self, path: Path) -> None:
        """Time moves on between any two writes; only one action says otherwise."""
        self.clock.advance(0.004)
        now = self.clock.now_unix_nano()
        os.utime(path, ns=(now, now))


def _start(usual: int, pick: random.Random, far: Sequence[int | None]) -> int:
    chosen = pick.choice(far) if len(far) > 1 else None
    return usual if chosen is None else chosen


def _foreign() -> bytes:
    import pyarrow as pa  # noqa: PLC0415 - one use

    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1]}), sink)
    return sink.getvalue().to_pybytes()

"""The second pass: attributes of files that are indexed already, newest first, a group at a time.

It is a pass of its own because a span is answerable without it: reading and taking apart the
attributes of 20,000 spans costs as much again as indexing them (measured, 24 ms). It waits for a
short quiet after the last file, and no longer than a second while files keep coming. Attributes
are read beside the thread that writes, so that a fresh file never queues behind them. A change of
the promoted keys is the same work: every file is behind with the new ones.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from indexer.catalog.files import FileRegister
from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError, TransientError
from indexer.index.crash_notes import CrashNotes
from indexer.index.promotion_queue import PromotionQueue
from indexer.model import Limits, ParquetFileInfo, Progress, RegisteredFile
from indexer.read.promoted import AttributeReader
from indexer.spans.attributes import AttributeValues, PromotedFile
from indexer.system import retry
from indexer.system.clock import Clock
from indexer.system.counted_nouns import counted
from indexer.system.storage import LocalStorage
from indexer.telemetry.log import ATTRIBUTES_PROMOTED, ATTRIBUTES_UNREADABLE, log

QUIET_S = 0.25
"""So long no file was registered before attributes are read: files that come closer than that give
theirs together, beside nothing that somebody waits for."""
WAIT_MAX_S = 1.0
"""So long a file's attributes wait for quiet."""
FINISHING_GROUPS = 4
"""Groups that are read and recorded as one where all there is is finished: fewer transactions, and
readers have equal shares."""
POLL_S = 0.01
"""Between two looks at a group that is being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """Registered files that one reader has, and the keys that all of them lack."""

    files: Sequence[RegisteredFile]
    key_ids: tuple[int, ...]
    values: "Future[list[AttributeValues | IndexerError]]"


class Promotion:
    """Brings the attributes of registered files into the index."""

    def __init__(
        self,
        storage: LocalStorage,
        register: FileRegister,
        clock: Clock,
        limits: Limits,
        progress: Progress,
        notes: CrashNotes,
    ) -> None:
        self._storage = storage
        self._register = register
        self._clock = clock
        self._limits = limits
        self._reader = AttributeReader(memory_limit=limits.attributes_memory)
        self._progress = progress
        self._readers = ThreadPoolExecutor(limits.readers, thread_name_prefix="attributes")
        self._notes = notes
        self._reading: list[_Share] = []
        self._quiet_due_s = 0.0
        self._latest_due_s: float | None = None
        self._queue = PromotionQueue(
            register.unpromoted, lambda file_id: register.file(file_id).modified_unix_nano
        )

    def close(self) -> None:
        """What is being read is read by the next start."""
        self._readers.shutdown(cancel_futures=True)
        self._reader.close()

    def registered(self) -> None:
        """Files were registered just now: their attributes wait for quiet."""
        now_s = self._clock.monotonic_s()
        self._quiet_due_s = now_s + QUIET_S
        if self._latest_due_s is None:
            self._latest_due_s = now_s + WAIT_MAX_S

    def next_due_s(self) -> float | None:
        """Monotonic time at which there is something to do; None when there is nothing."""
        if self._reading:
            return self._clock.monotonic_s() + POLL_S
        if not self._queue.has_ready():
            return self._queue.next_due_s()
        latest = self._latest_due_s
        return self._quiet_due_s if latest is None else min(self._quiet_due_s, latest)

    @property
    def is_reading(self) -> bool:
        """Whether a group is under way."""
        return bool(self._reading)

    def step(self) -> bool:
        """Record the group that was read, or begin to read one that is due; wait for none.

        Returns whether there was one to record. Raises CatalogWriteFailed.
        """
        if self._reading:
            return all(share.values.done() for share in self._reading) and self._record_read()
        due_s = self.next_due_s()
        if due_s is not None and due_s <= self._clock.monotonic_s():
            self._begin()
        return False

    def finish(self, stop: Callable[[], bool]) -> None:
        """Everything that can be read now, without waiting for quiet.

        The next group is read while one is recorded, and groups are larger: nobody waits for the
        first of them.
        """
        while not stop() and (self._reading or self._begin(FINISHING_GROUPS)):
            shares, _ = self._reading, self._begin(FINISHING_GROUPS)
            self._record(shares)

    def _begin(self, groups: int = 1) -> bool:
        """Have the next group read, or so many as one; whether there is one."""
        self._latest_due_s = None
        self._reading = self._shared(self._take(groups))
        return bool(self._reading)

    def _record_read(self) -> bool:
        shares, self._reading = self._reading, []
        self._record(shares)
        return True

    def _record(self, shares: Sequence[_Share]) -> None:
        given = [one for share in shares for one in self._given(share)]
        self._register.promote(given)
        self._progress.transactions += 1
        values = sum(
            0 if isinstance(one.values, IndexerError) else len(one.values) for one in given
        )
        if given:
            message = f"attributes of {counted(len(given), 'file')}: {counted(values, 'value')}"
            log(ATTRIBUTES_PROMOTED, message, files=len(given), values=values)

    def _take(self, groups: int) -> list[RegisteredFile]:
        taken = self._queue.take(groups * self._limits.group_files, self._clock.monotonic_s())
        files: list[RegisteredFile] = []
        size = 0
        for number, file in enumerate(map(self._register.file, taken)):
            size += file.size_bytes
            if files and size > groups * self._limits.group_bytes:
                self._queue.give_back(taken[number:])
                break
            files.append(file)
        return files

    def _shared(self, files: Sequence[RegisteredFile]) -> list[_Share]:
        """Files that lack the same keys are read together, shared among the readers."""
        alike: dict[frozenset[int], list[RegisteredFile]] = defaultdict(list)
        for file in files:
            alike[self._register.unpromoted[file.file_id]].append(file)
        return [
            self._share(members[start :: self._limits.readers], behind)
            for behind, members in alike.items()
            for start in range(min(self._limits.readers, len(members)))
        ]

    def _share(self, files: Sequence[RegisteredFile], behind: frozenset[int]) -> _Share:
        keys = {key: id_ for key, id_ in self._register.key_ids.items() if id_ in behind}
        infos = [self._info(file) for file in files]
        values = self._readers.submit(self._attributes, infos, tuple(keys))
        return _Share(files=files, key_ids=tuple(keys.values()), values=values)

    def _attributes(
        self, infos: Sequence[ParquetFileInfo], keys: Sequence[str]
    ) -> list[AttributeValues | IndexerError]:
        deadly = self._notes.deadly(infos)
        sound = [info for info in infos if info.relative_path not in deadly]
        with self._notes.reading(sound):
            read = iter(self._reader.read(self._storage, sound, keys))
        return [deadly.get(info.relative_path) or next(read) for info in infos]

    def _given(self, share: _Share) -> Iterator[PromotedFile]:
        """What each file gives, a refusal included; nothing of one that cannot be read now."""
        for file, values in zip(share.files, share.values.result(), strict=True):
            if isinstance(values, TransientError):
                self._postpone(file, values)
                continue
            if isinstance(values, IndexerError):
                reason = f"no attributes of {file.relative_path}: {values.message}"
                log(ATTRIBUTES_UNREADABLE, reason)
            self._queue.done(file.file_id)
            yield PromotedFile(file_id=file.file_id, key_ids=share.key_ids, values=values)

    def _info(self, file: RegisteredFile) -> ParquetFileInfo:
        return ParquetFileInfo(
            path=self._storage.absolute(file.relative_path),
            relative_path=file.relative_path,
            size_bytes=file.size_bytes,
            modified_unix_nano=file.modified_unix_nano,
            device=file.device,
            inode=file.inode,
        )

    def _postpone(self, file: RegisteredFile, error: IndexerError) -> None:
        """The sweep settles files that changed or went; others may be readable later."""
        self._queue.postpone(file.file_id, retry.FILE.pause_s, self._clock.monotonic_s())
        log(ATTRIBUTES_UNREADABLE, f"attributes of {file.relative_path} wait: {error.message}")

"""What searches have learnt of files: conditions on attributes that no row of a file can meet.

A data file never changes, so what was not in it is not in it: the next search for the same key, or
the same value, opens only files that may have it. It costs nothing to learn, because the letters of
the file are looked at anyway, and nothing is lost with it but time. What is learnt of a whole key
is handed on to whoever keeps it for good.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from indexer.deferred_dataclass import dataclass
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.span import DataFile
from indexer.spans.key_summary import FileKeySummary, KeySummary

ENTRY_BYTES = 200
"""What one takes: sixteen bytes of digest, and their place in an ordered dictionary (measured)."""
BYTES_MAX = 8 << 20
"""Some 40,000 conditions of a file: twenty keys in two thousand files."""


class Absences:
    """What is known of all files, the latest used, within so many bytes. For any thread."""

    def __init__(
        self,
        bytes_max: int = BYTES_MAX,
        keep: Callable[[FileKeySummary], None] = lambda _: None,
    ) -> None:
        """``keep`` is handed what was learnt of one key of one file."""
        self.keep = keep
        self._most = bytes_max // ENTRY_BYTES
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, file: DataFile) -> "FileAbsences":
        """What is known of one file."""
        text = json.dumps([file.path, file.footer_digest, *file.info.stamp])
        return FileAbsences(self, file, text)

    def has(self, digest: bytes) -> bool:
        """Whether it is known."""
        with self._lock:
            if digest not in self._known:
                return False
            self._known.move_to_end(digest)
            return True

    def add(self, digest: bytes) -> None:
        """It is known from now on; what was not used for longest is forgotten."""
        with self._lock:
            self._known[digest] = None
            self._known.move_to_end(digest)
            while len(self._known) > self._most:
                self._known.popitem(last=False)


@dataclass(frozen=True, slots=True)
class FileAbsences:
    """What is known of one file, as it was when it was indexed."""

    every: Absences
    file: DataFile
    text: str
    """The file, and what it was."""

    def rules_out(self, condition: AttributeCondition) -> bool:
        """Whether no row of the file can meet the condition."""
        key_alone = AttributeCondition(owner=condition.owner, key=condition.key)
        return any(self.every.has(self._digest(one)) for one in (key_alone, condition))

    def learn(self, condition: AttributeCondition) -> None:
        """No row can."""
        self.every.add(self._digest(condition))

    def learn_summary(self, condition: AttributeCondition, summary: KeySummary) -> None:
        """What all rows have under the condition's key."""
        if not summary.is_present:
            self.learn(AttributeCondition(owner=condition.owner, key=condition.key))
        if self.file.footer_digest is not None:
            self.every.keep(
                FileKeySummary(
                    relative_path=self.file.info.relative_path,
                    footer_digest=self.file.footer_digest,
                    stamp=self.file.info.stamp,
                    owner=condition.owner,
                    key=condition.key,
                    summary=summary,
                )
            )

    def _digest(self, condition: AttributeCondition) -> bytes:
        text = f"{self.text} {condition!r}".encode()
        return blake2b(text, digest_size=16).digest()

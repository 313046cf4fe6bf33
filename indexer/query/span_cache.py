"""Spans in the form that a reader shows them in, kept so that the next page need not read them.

A data file never changes, so neither does what a row of it looks like. Dashboards ask for the same
newest spans again and again: they are read and encoded once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from indexer.read.span_payload import OMITTED

CACHE_BYTES_MAX = 64 << 20
"""Some 40,000 spans as they usually are: the latest pages of a hundred services."""
SPAN_BYTES_MAX = CACHE_BYTES_MAX // 64
"""A larger one is not kept: it would push out a whole page."""
ENTRY_BYTES = 400
"""What keeping one costs beside its own bytes."""

Span = dict[str, Any]
Files = Mapping[int, Mapping[str, Any]]
"""Rows of ``parquet_files`` by ``file_id``."""
Key = tuple[Any, ...]
Kept = dict[str, Any]
_KEPT = ("shown", OMITTED)
"""What is kept of a span: how it is shown, and what is left out of it, which the answer says."""


class EncodedSpanCache:
    """One form, and the spans that were last shown in it. For any thread."""

    def __init__(self, form: Callable[[Span], bytes], *, bytes_max: int = CACHE_BYTES_MAX) -> None:
        self._form = form
        self._bytes_max = bytes_max
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def known(self, spans: Sequence[Span], files: Files) -> list[Span]:
        """Give spans that are kept their ``shown``; the others, whose payload is to be read."""
        keys = _keys(spans, files)
        with self._lock:
            for span, key in zip(spans, keys, strict=True):
                if key in self._kept:
                    self._kept.move_to_end(key)
                    span.update(self._kept[key])
        return [span for span in spans if "shown" not in span]

    def read(self, spans: Sequence[Span], files: Files, unread: Collection[str] = ()) -> None:
        """Give spans that were read their ``shown``; kept, but for files that were not read.

        ``unread`` are paths of these: their spans lack a payload that they have.
        """
        self.rest(spans)
        with self._lock:
            for span, key in zip(spans, _keys(spans, files), strict=True):
                if key and files[span["file_id"]]["file_path"] not in unread:
                    self._keep(key, {name: span[name] for name in _KEPT if name in span})

    def rest(self, spans: Sequence[Span]) -> None:
        """Give all other spans, of no indexed file, their ``shown``."""
        for span in spans:
            if "shown" not in span:
                span["shown"] = self._form(span)

    def _keep(self, key: Key, kept: Kept) -> None:
        if key in self._kept or len(kept["shown"]) > SPAN_BYTES_MAX:
            return
        self._kept[key] = kept
        self._bytes += len(kept["shown"]) + ENTRY_BYTES
        while self._bytes > self._bytes_max:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest["shown"]) + ENTRY_BYTES


def _keys(spans: Sequence[Span], files: Files) -> list[Key]:
    """A row of a file by what the file is and not by its number, which another catalog has too.

    Empty for a span of no indexed file.
    """
    identities = {
        file_id: (
            file["relative_path"],
            file["size_bytes"],
            file["modified_unix_nano"],
            file["device"],
            file["inode"],
        )
        for file_id, file in files.items()
    }
    return [
        (identities[span["file_id"]], span["file_row_number"])
        if span.get("file_id") is not None
        else ()
        for span in spans
    ]

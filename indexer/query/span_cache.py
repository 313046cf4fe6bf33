"""Spans in the form that a reader shows them in, kept so that the next page need not read them.

A data file never changes, so neither does what a row of it looks like. Dashboards ask for the same
newest spans again and again: they are read and encoded once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from indexer.query.span import UNREADABLE, DataFile, Source, Span

CACHE_BYTES_MAX = 64 << 20
"""Some 40,000 spans as they usually are: the latest pages of a hundred services."""
SPAN_BYTES_MAX = CACHE_BYTES_MAX // 64
"""A larger one is not kept: it would push out a whole page."""
ENTRY_BYTES = 400
"""What keeping one costs beside its own bytes."""

_FileKey = tuple[str, int, int, int, int, int]
_Key = tuple[_FileKey | None, int]


@dataclass(frozen=True, slots=True)
class EncodedSpan:
    """One span as a reader shows it."""

    content: bytes
    omitted: Mapping[str, int] | None
    """What is left out of the span, which the answer says."""


class EncodedSpanCache:
    """One encoder, and the spans that it encoded last. For any thread."""

    def __init__(
        self, encoder: Callable[[Span], bytes], *, bytes_max: int = CACHE_BYTES_MAX
    ) -> None:
        self._encoder = encoder
        self._bytes_max = bytes_max
        self._kept: OrderedDict[_Key, EncodedSpan] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def lookup(self, spans: Sequence[Span]) -> list[EncodedSpan | None]:
        """The forms that are kept; None for spans that are to be read."""
        keys = _keys(spans)
        with self._lock:
            found = [self._kept.get(key) for key in keys]
            for key, one in zip(keys, found, strict=True):
                if one is not None:
                    self._kept.move_to_end(key)
        return found

    def encode(self, spans: Sequence[Span]) -> list[EncodedSpan]:
        """The forms of spans that were read.

        They are kept, but for those of no file and those whose payload could not be read.
        """
        encoded = [EncodedSpan(self._encoder(span), span.omitted) for span in spans]
        keys = _keys(spans)
        with self._lock:
            for span, key, one in zip(spans, keys, encoded, strict=True):
                if key[0] is not None and span.payload is not UNREADABLE:
                    self._keep(key, one)
        return encoded

    def _keep(self, key: _Key, one: EncodedSpan) -> None:
        if key in self._kept or len(one.content) > SPAN_BYTES_MAX:
            return
        self._kept[key] = one
        self._bytes += len(one.content) + ENTRY_BYTES
        while self._bytes > self._bytes_max:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest.content) + ENTRY_BYTES


def _keys(spans: Sequence[Span]) -> list[_Key]:
    """A row of a file by what the file is and not by its number, which another catalog has too.

    For a span of no file a key that nothing is kept under.
    """
    source: Source | None = None
    file_key: _FileKey | None = None
    keys: list[_Key] = []
    for span in spans:
        if span.source is not source:
            source = span.source
            file_key = _file_key(source)
        keys.append((file_key, span.row))
    return keys


def _file_key(source: Source) -> _FileKey | None:
    if not isinstance(source, DataFile):
        return None
    info = source.info
    times = (info.modified_unix_nano, info.changed_unix_nano)
    return (info.relative_path, info.device, info.inode, info.size_bytes, *times)

"""Spans in the form that a reader shows them in, kept so that the next page need not read them.

A data file never changes, so neither does what a row of it looks like. Dashboards ask for the same
newest spans again and again: they are read and encoded once.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from indexer.query.span import UNREADABLE, DataFile, Source, Span

CACHE_BYTES_MAX = 64 << 20
"""Some 40,000 spans as they usually are: the latest pages of a hundred services."""
SPAN_BYTES_MAX = CACHE_BYTES_MAX // 64
"""A larger one is not kept: it would push out a whole page."""
ENTRY_BYTES = 400
"""What keeping one costs beside its own bytes."""

_FileKey = tuple[str, int, int, int, int, int]


class Encoded(NamedTuple):
    """What an encoder makes of a span, where the form cannot hold every value."""

    content: bytes
    altered: tuple[str, ...] = ()
    """Fields whose value was made one that the form can hold."""


Encoder = Callable[[Span], bytes | Encoded]
_Key = tuple[_FileKey | None, int, Encoder]


class EncodedSpan(NamedTuple):
    """One span as a reader shows it."""

    content: bytes
    omitted: Mapping[str, int] | None
    """What is left out of the span, which the answer says."""
    altered: tuple[str, ...] = ()
    """Fields that are not as the span has them, which the answer says too."""


_new = tuple.__new__
"""Quicker than a call with names."""


class EncodedSpanCache:
    """One encoder, and the spans that it encoded last. For any thread."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        bytes_max: int = CACHE_BYTES_MAX,
        kept: "_Kept | None" = None,
        as_stored: bool = False,
    ) -> None:
        """``as_stored`` says that the encoder takes attributes that are a StoredObject."""
        self.as_stored = as_stored
        self._encoder = encoder
        self._kept = kept or _Kept(bytes_max)

    def beside(self, encoder: Encoder) -> "EncodedSpanCache":
        """A cache for another encoder of the kind in the same memory: the bound is of both."""
        return EncodedSpanCache(encoder, kept=self._kept, as_stored=self.as_stored)

    def lookup(self, spans: Sequence[Span]) -> list[EncodedSpan | None]:
        """The forms that are kept; None for spans that are to be read."""
        return self._kept.lookup(_keys(spans, self._encoder))

    def encode(self, spans: Sequence[Span]) -> list[EncodedSpan]:
        """The forms of spans that were read.

        They are kept, but for those of no file and those whose payload could not be read.
        """
        made = zip(map(self._encoder, spans), spans, strict=True)
        encoded = [
            _new(EncodedSpan, (one.content, span.omitted, one.altered))
            if isinstance(one, Encoded)
            else EncodedSpan(one, span.omitted)
            for one, span in made
        ]
        keys = _keys(spans, self._encoder)
        self._kept.keep(
            [
                (key, one)
                for span, key, one in zip(spans, keys, encoded, strict=True)
                if key[0] is not None and span.payload is not UNREADABLE
            ]
        )
        return encoded


class _Kept:
    """Encoded spans within a bound, the one that was not asked for for longest goes first."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._spans: OrderedDict[_Key, EncodedSpan] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def lookup(self, keys: Sequence[_Key]) -> list[EncodedSpan | None]:
        with self._lock:
            found = [self._spans.get(key) for key in keys]
            for key, one in zip(keys, found, strict=True):
                if one is not None:
                    self._spans.move_to_end(key)
        return found

    def keep(self, encoded: Iterable[tuple[_Key, EncodedSpan]]) -> None:
        with self._lock:
            kept = self._spans
            for key, one in encoded:
                size = len(one.content)
                if size <= SPAN_BYTES_MAX and key not in kept:
                    kept[key] = one
                    self._bytes += size + ENTRY_BYTES
            while self._bytes > self._bytes_max:
                _, oldest = kept.popitem(last=False)
                self._bytes -= len(oldest.content) + ENTRY_BYTES


def _keys(spans: Sequence[Span], encoder: Encoder) -> list[_Key]:
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
        keys.append((file_key, span.row, encoder))
    return keys


def _file_key(source: Source) -> _FileKey | None:
    if not isinstance(source, DataFile):
        return None
    info = source.info
    times = (info.modified_unix_nano, info.changed_unix_nano)
    return (info.relative_path, info.device, info.inode, info.size_bytes, *times)

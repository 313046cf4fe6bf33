"""The content digest: 128 bits that two catalogs of the same spans share, in any order.

A span's hash covers everything a list can show of it and its place in the file, and leaves out what
depends on when or where it was indexed (file ids, times of indexing, absolute paths). A file's
digest is the sum of its spans' hashes modulo 2^64 in two lanes: additive rather than XOR, so
that a row held twice does not cancel out. The hash is written out here because DuckDB's own is
not promised to be the same in its next version.
"""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from indexer.spans.columns import SpanColumns
from indexer.spans.identifiers import UInt64Array
from indexer.spans.schema import COLUMNS

_STEP = np.uint64(0x9FB21C651E98DF25)
_FINAL = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_LANES = (np.uint64(0), np.uint64(0xD6E8FEB86659FD93))

Digests = npt.NDArray[np.uint64]
"""Shape (files, 2): two 64-bit lanes a file."""


def file_digests(columns: SpanColumns, slot_count: int) -> Digests:
    """One digest per slot; a slot without spans has digest 0."""
    hashes = _row_hashes(columns)
    digests = np.zeros((slot_count, 2), np.uint64)
    for lane, offset in enumerate(_LANES):
        np.add.at(digests[:, lane], columns.slot, _finalise(hashes ^ offset))
    return digests


def to_hex(digest: npt.NDArray[np.uint64]) -> str:
    """32 hex digits of one digest."""
    return f"{int(digest[0]):016x}{int(digest[1]):016x}"


def combine(named: dict[str, str]) -> str:
    """The digest of a whole catalog: of each file's name with its digest, in order of names."""
    whole = blake2b(digest_size=16)
    for name in sorted(named):
        whole.update(f"{name}\0{named[name]}\n".encode())
    return whole.hexdigest()


def _row_hashes(columns: SpanColumns) -> UInt64Array:
    first, *others = _words(columns)
    hashes: UInt64Array = first ^ _STEP
    for word in others:
        hashes = (hashes ^ word) * _STEP
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _words(columns: SpanColumns) -> list[UInt64Array]:
    """The words of each row in their declared order; columns that share one are moved apart."""
    words: dict[int, UInt64Array] = {}
    for column in COLUMNS:
        for at, word in enumerate(column.type.words(columns.vectors(column)), column.word):
            moved = word << np.uint64(column.shift) if column.shift else word
            words[at] = words[at] ^ moved if at in words else moved
    return [words[at] for at in sorted(words)]


def _finalise(hashes: UInt64Array) -> UInt64Array:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _FINAL[0]
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _FINAL[1]
    return hashes ^ (hashes >> np.uint64(31))

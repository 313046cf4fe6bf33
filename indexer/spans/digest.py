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

from indexer.spans.columns import SpanColumns, Texts
from indexer.spans.identifiers import UInt64Array

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


def from_hex(text: str) -> npt.NDArray[np.uint64]:
    """The two lanes of a digest written by ``to_hex``."""
    return np.array([int(text[:16], 16), int(text[16:], 16)], np.uint64)


def combine(named: dict[str, str]) -> str:
    """The digest of a whole catalog: of each file's name with its digest, in order of names."""
    whole = blake2b(digest_size=16)
    for name in sorted(named):
        whole.update(f"{name}\0{named[name]}\n".encode())
    return whole.hexdigest()


def _row_hashes(columns: SpanColumns) -> UInt64Array:
    hashes: UInt64Array = columns.trace_hi ^ _STEP
    for column in (
        columns.trace_lo,
        columns.span_id,
        columns.parent_span_id,
        columns.start.view(np.uint64),
        columns.duration.view(np.uint64),
        _places(columns),
        columns.status.astype(np.uint64) ^ (columns.kind.astype(np.uint64) << np.uint64(8)),
        _text_hashes(columns.service),
        _text_hashes(columns.name),
    ):
        hashes = (hashes ^ column) * _STEP
        hashes ^= hashes >> np.uint64(29)
    return hashes


def _places(columns: SpanColumns) -> UInt64Array:
    """Row and position as one word: equal to the row where a row is a span."""
    return columns.row.astype(np.uint64) | (columns.position.astype(np.uint64) << np.uint64(32))


def _finalise(hashes: UInt64Array) -> UInt64Array:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * _FINAL[0]
    hashes = (hashes ^ (hashes >> np.uint64(27))) * _FINAL[1]
    return hashes ^ (hashes >> np.uint64(31))


def _text_hashes(texts: Texts) -> UInt64Array:
    if not texts.values:
        return np.zeros(len(texts.codes), np.uint64)
    distinct = [
        int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "little")
        for value in texts.values
    ]
    return np.array(distinct, np.uint64)[texts.codes]

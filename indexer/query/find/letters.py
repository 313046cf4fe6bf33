"""Which texts of a column have some letters, and which have them twice.

All texts of a column lie in one buffer, in which Python looks for bytes some ten times as fast as
Arrow looks into one text after the other (measured).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from indexer.spans.identifiers import BoolArray

_MORE_PER_TEXT = 4
"""Where letters stand more often than so many times a text, all texts are said to have them."""


def may_have(column: pa.ChunkedArray, letters: str) -> BoolArray:
    """Of which texts the letters may be a part: of all where they are of too many."""
    return _counts(column, letters.encode()) > 0


def may_have_twice(column: pa.ChunkedArray, letters: str) -> BoolArray:
    """Of which texts they may be two parts."""
    return _counts(column, letters.encode()) > 1


def _counts(column: pa.ChunkedArray, letters: bytes) -> npt.NDArray[np.int64]:
    counts = [_counts_of(chunk, letters) for chunk in column.chunks]
    return np.concatenate(counts) if counts else np.zeros(0, np.int64)


def _counts_of(texts: pa.Array, letters: bytes) -> npt.NDArray[np.int64]:
    count = len(texts)
    many = np.full(count, 2, np.int64)
    if not letters or not count:
        return many
    is_large = pa.types.is_large_string(texts.type)
    _, offsets_buffer, data = texts.buffers()
    stored = np.frombuffer(offsets_buffer, np.int64 if is_large else np.int32)
    offsets: npt.NDArray[np.int64] = stored[texts.offset :][: count + 1].astype(np.int64)
    begin, end = int(offsets[0]), int(offsets[-1])
    if data is None or begin == end:
        return np.zeros(count, np.int64)
    content = data.slice(begin, end - begin).to_pybytes()
    most = _MORE_PER_TEXT * count
    found: list[int] = []
    at = content.find(letters)
    while at >= 0:
        found.append(at)
        if len(found) > most:
            return many
        at = content.find(letters, at + 1)
    places = np.array(found, np.int64) + begin
    text = np.searchsorted(offsets, places, side="right") - 1
    is_inside = places + len(letters) <= offsets[text + 1]
    return np.bincount(text[is_inside], minlength=count)

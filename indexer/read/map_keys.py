"""Maps of Arrow with each key once, by the first of its values. Pure."""

import numpy as np
import pyarrow as pa

from indexer.system import arrow_compute as pc


def first_entries(column: pa.MapArray) -> pa.MapArray:
    """The maps of a column without the later entries of a key."""
    offsets = column.offsets.to_numpy()
    first, end = int(offsets[0]), int(offsets[-1])
    keys, items = column.keys.slice(first, end - first), column.items.slice(first, end - first)
    lengths = np.diff(offsets)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    codes = pc.dictionary_encode(keys).indices.to_numpy()
    width = int(codes.max(initial=0)) + 1
    _, kept = np.unique(rows * width + codes, return_index=True)
    if len(kept) == len(rows):
        return column
    kept.sort()
    counts = np.bincount(rows[kept], minlength=len(lengths))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    at = pa.array(kept)
    mask = column.is_null() if column.null_count else None
    return pa.MapArray.from_arrays(
        pa.array(starts), keys.take(at), items.take(at), type=column.type, mask=mask
    )

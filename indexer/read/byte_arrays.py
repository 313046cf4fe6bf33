"""Texts of a plain Parquet encoding, each after its length, found by their place. Pure.

Parquet format, "Encodings", PLAIN of BYTE_ARRAY: four bytes of length, little endian, then the
bytes. Where a text begins follows from all texts before it, but for texts of one length.
"""

import struct
from collections.abc import Sequence
from itertools import repeat

import numpy as np

LENGTH = struct.Struct("<I")
LENGTH_BYTES = LENGTH.size


class ByteArrays:
    """The texts of one page, which are walked only as far as somebody asks."""

    def __init__(self, body: bytes, count: int) -> None:
        self._body, self._count = body, count
        self._starts = [0]
        self._stride = equal_stride(body)

    def __len__(self) -> int:
        """As many as there should be."""
        return self._count

    def __getitem__(self, place: int) -> bytes:
        """One of them. Raises IndexError for one that the bytes do not hold."""
        body = self._body
        if self._stride:
            start = place * self._stride
            if start >= len(body):
                raise IndexError(place)
            return body[start + LENGTH_BYTES : start + self._stride]
        starts = self._starts
        if len(starts) <= place + 1:
            self._walk(place + 1)
        if starts[place + 1] > len(body):
            raise IndexError(place)
        return body[starts[place] + LENGTH_BYTES : starts[place + 1]]

    def take(self, places: Sequence[int]) -> list[bytes]:
        """Those of ascending places. Raises IndexError for one that the bytes do not hold."""
        if self._stride or len(self._starts) > 1:
            return [self[place] for place in places]
        body, length_of, found = self._body, LENGTH.unpack_from, []
        after = start = 0
        try:
            for place in places:
                for _ in repeat(None, place - after):
                    start += LENGTH_BYTES + length_of(body, start)[0]
                begins = start + LENGTH_BYTES
                start = begins + length_of(body, start)[0]
                found.append(body[begins:start])
                after = place + 1
        except struct.error as error:
            raise IndexError(after) from error
        if start > len(body):
            raise IndexError(after - 1)
        return found

    def _walk(self, place: int) -> None:
        """Find where the text of that place begins, and all before it."""
        starts, body, length_of = self._starts, self._body, LENGTH.unpack_from
        start, append = starts[-1], starts.append
        try:
            for _ in range(place + 1 - len(starts)):
                start += LENGTH_BYTES + length_of(body, start)[0]
                append(start)
        except struct.error as error:
            raise IndexError(place) from error


def equal_stride(body: bytes) -> int:
    """Bytes from one text to the next where all have the same length; 0 where they have not."""
    if len(body) < LENGTH_BYTES:
        return 0
    stride = LENGTH_BYTES + LENGTH.unpack_from(body)[0]
    count, rest = divmod(len(body), stride)
    if rest or (count > 1 and LENGTH.unpack_from(body, stride)[0] + LENGTH_BYTES != stride):
        return 0
    lengths = np.ndarray((count,), "<u4", body, 0, (stride,))
    return stride if bool((lengths == stride - LENGTH_BYTES).all()) else 0

"""What a search learns of one key while it reads a file: gathered part by part. Pure."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from indexer.query.find.key_scan import ScannedKey
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.spans.identifiers import BoolArray, UInt64Array
from indexer.spans.key_summary import ABSENT, KeySummary, double_of, hash_value, values_under
from indexer.spans.value_filter import distinct_hashes, make_filter
from indexer.system.byte_search import Places

ODD_ROWS_MAX = 256
"""Rows of a file whose values are parsed to learn of one key: 10 ms of a question."""
HASHES_MAX = 1 << 17
"""Of the values of some rows, a megabyte: more of them are kept once each."""


class KeyLearning:
    """The summary of one key in the making: all rows of the file have to be seen."""

    def __init__(self, condition: AttributeCondition) -> None:
        """Of the key of the condition."""
        self._key, self._of_events = condition.key, condition.owner == "event"
        self._is_known, self._is_present, self._has_text = True, False, False
        self._numbers: list[float] = []
        self._hashes: list[UInt64Array] = []
        self._pending = 0
        self._odd_rows = 0

    def see(
        self,
        scanned: ScannedKey | None,
        having: BoolArray,
        values: Callable[[Places], Sequence[Any]],
    ) -> None:
        """Some rows: ``scanned``, which of them may have the key, and canonical values of some."""
        odd = np.flatnonzero(having if scanned is None else having & scanned.odd)
        self._odd_rows += len(odd)
        if scanned is not None:
            self._see_scanned(scanned)
        if self._odd_rows > ODD_ROWS_MAX:
            self._is_known, self._is_present = False, True
        elif self._is_known and len(odd):
            for stored in values(odd):
                for value in values_under(self._key, stored, of_events=self._of_events):
                    self._see_value(value)

    def summary(self) -> KeySummary:
        """Of all rows that were seen."""
        if not self._is_present:
            return ABSENT
        hashes = np.concatenate(self._hashes) if self._hashes else np.zeros(0, np.uint64)
        content = make_filter(hashes) if self._is_known else None
        if content is None:
            return KeySummary(is_present=True)
        return KeySummary(
            is_present=True,
            least=min(self._numbers, default=None),
            greatest=max(self._numbers, default=None),
            has_text=self._has_text,
            value_filter=content,
        )

    def _see_scanned(self, scanned: ScannedKey) -> None:
        if not len(scanned.row):
            return
        self._is_present = True
        self._has_text |= bool(scanned.is_text.any())
        self._hashes.append(scanned.hashes)
        self._pending += len(scanned.hashes)
        if self._pending > HASHES_MAX:
            self._hashes, self._pending = [distinct_hashes(np.concatenate(self._hashes))], 0
        least = float(np.fmin.reduce(scanned.number))
        if not math.isnan(least):
            self._numbers += [least, float(np.fmax.reduce(scanned.number))]

    def _see_value(self, value: Any) -> None:
        self._is_present = True
        self._has_text |= isinstance(value, str)
        hashed, number = hash_value(value), double_of(value)
        if hashed is not None:
            self._hashes.append(hashed)
        if number is not None:
            self._numbers.append(number)

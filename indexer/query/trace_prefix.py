"""A trace that is asked for by the first digits of its ID, as people copy it from a screen.

Digits that are a trace's whole ID of 64 bits mean that trace; else they are the beginning of one.
"""

import re

import numpy as np

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidId
from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.deadline import Deadline
from indexer.query.find.column_scan import trace_ids
from indexer.query.moment import OpenAnswer
from indexer.spans.columns import SpanColumns
from indexer.spans.id_spellings import SHORT_TRACE_DIGITS, TRACE_DIGITS

DIGITS_MIN = 4
"""Of a beginning: with fewer, hundreds of traces begin alike."""
CANDIDATES_MAX = 10
"""That a refusal names."""
_BEGINNING = re.compile(f"[0-9a-fA-F]{{{DIGITS_MIN},{TRACE_DIGITS - 1}}}")
_OF_INDEX = """
SELECT DISTINCT trace_id FROM trace_files
WHERE trace_id BETWEEN '{first}' AND '{last}' ORDER BY trace_id LIMIT {limit}
"""


def trace_by_text(answers: Answers, text: str, deadline: Deadline | None = None) -> SpansAnswer:
    """The trace, whole. Raises as ``whole_trace_id`` and ``Answers.trace``."""
    return answers.trace(whole_trace_id(answers, text, deadline), deadline)


def whole_trace_id(answers: Answers, text: str, deadline: Deadline | None = None) -> str:
    """The ID that a beginning stands for; text that is none as it is.

    Raises InvalidId for a beginning of several trace IDs, with the first of them, and for one of
    more digits than a short ID has that no trace ID begins with.
    """
    if len(text) == TRACE_DIGITS and text.isalnum():
        return text
    digits = text.strip().lower()
    if not _BEGINNING.fullmatch(digits):
        return text
    may_be_whole = len(digits) <= SHORT_TRACE_DIGITS
    with answers.open(deadline) as opened:
        if may_be_whole and _begun(opened, digits.zfill(TRACE_DIGITS)):
            return text
        found = sorted(_begun(opened, digits))
    if len(found) == 1:
        return found[0]
    if found:
        more = " and more" if len(found) > CANDIDATES_MAX else ""
        raise InvalidId(
            f"ambiguous trace ID {text!r}: it begins {', '.join(found[:CANDIDATES_MAX])}{more}",
            hint="Add digits until one is left.",
        )
    if may_be_whole:
        return text
    raise InvalidId(f"invalid trace ID {text!r}: no trace ID begins with it")


def _begun(opened: OpenAnswer, digits: str) -> set[str]:
    """The trace IDs that begin so, of all tiers: ``CANDIDATES_MAX`` and one more of each."""
    bounds = _Bounds.of(digits)
    sql = _OF_INDEX.format(first=bounds.first, last=bounds.last, limit=CANDIDATES_MAX + 1)
    found = {trace_id for (trace_id,) in opened.cursor.execute(sql).fetchall()}
    for one in opened.tiers.unindexed:
        found |= bounds.among(one.columns)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """The least and the greatest trace ID that begin with some digits."""

    first: str
    last: str

    @classmethod
    def of(cls, digits: str) -> "_Bounds":
        return cls(first=digits.ljust(TRACE_DIGITS, "0"), last=digits.ljust(TRACE_DIGITS, "f"))

    def among(self, columns: SpanColumns) -> set[str]:
        """The trace IDs of spans that are within."""
        (first_hi, first_lo), (last_hi, last_lo) = _words(self.first), _words(self.last)
        high, low = columns.trace_hi, columns.trace_lo
        within = (high >= first_hi) & (high <= last_hi)
        if first_hi == last_hi:
            within &= (low >= first_lo) & (low <= last_lo)
        return trace_ids(high[within], low[within])


def _words(trace_id: str) -> tuple[np.uint64, np.uint64]:
    return np.uint64(int(trace_id[:16], 16)), np.uint64(int(trace_id[16:], 16))

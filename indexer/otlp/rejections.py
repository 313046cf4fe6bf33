"""Which spans of a request are rejected, how many for what, and the sentence that says so."""

from collections import Counter
from dataclasses import field

from indexer.deferred_dataclass import dataclass
from indexer.system.counted_nouns import counted

REASONS_MAX = 5
"""Different reasons that an answer names; the others are counted."""
REASON_CHARACTERS_MAX = 200
"""A reason may quote the sender's own text."""

NO_TRACE_ID = "without a trace_id of 16 bytes that are not all zero"
NO_SPAN_ID = "without a span_id of 8 such bytes"
NO_IDS = "too short to have a trace_id and a span_id"
UNDECODABLE = "that cannot be decoded (invalid UTF-8, nested too deeply, or cut off)"


@dataclass(slots=True)
class Rejections:
    """Of one request. A span may be counted under two reasons."""

    spans: int = 0
    """All of the request, of whatever worth."""
    rejected: int = 0
    notes: list[str] = field(default_factory=list)
    """What else was not understood."""
    _reasons: Counter[str] = field(default_factory=Counter)

    def reject(self, *reasons: str, spans: int = 1) -> None:
        """Count spans that are rejected for these reasons."""
        self.rejected += spans
        for reason in reasons:
            short = reason[:REASON_CHARACTERS_MAX]
            known = short in self._reasons or len(self._reasons) < REASONS_MAX
            self._reasons[short if known else "for other reasons"] += spans

    def note(self, text: str) -> None:
        """Add a sentence, once."""
        if text and text not in self.notes:
            self.notes.append(text)

    @property
    def message(self) -> str:
        """For ``partial_success``; empty when all was understood and kept."""
        said = []
        if self.rejected:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self._reasons.items())
            verb = "was" if self.rejected == 1 else "were"
            all_of_them = counted(self.spans, "span")
            said.append(f"{self.rejected:,} of {all_of_them} {verb} rejected: {reasons}")
        return "; ".join([*said, *self.notes])

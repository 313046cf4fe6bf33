"""Read the payload of chosen spans, each from the tier that it is in, and of no other span.

What it will cost is known before it is read: a question that would open too many files is refused
with the window that would do.
"""

from collections.abc import Sequence

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryTooLarge
from indexer.query.cost import CostAccount
from indexer.query.missing import Missing
from indexer.query.span import UNREADABLE, DataFile, Source, Span
from indexer.query.tiers.tier import Tier
from indexer.system.counted_nouns import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class SpansRead:
    """Spans with their payload; ``UNREADABLE`` where something is missing."""

    spans: Sequence[Span] = ()
    missing: tuple[Missing, ...] = ()


def read_spans(
    tiers: Sequence[Tier],
    spans: Sequence[Span],
    account: CostAccount,
    *,
    as_stored: bool = False,
) -> SpansRead:
    """The spans with their payload, in the same order.

    ``as_stored`` says that attributes may be a StoredObject where that is the same.

    Raises QueryTooLarge and QueriesBusy, and what a deadline raises.
    """
    refuse_too_many_files(spans, files_max=account.limits.files)
    payloads = [UNREADABLE] * len(spans)
    missing: list[Missing] = []
    tier_of = [span.source.tier for span in spans]
    for tier in tiers:
        name = tier.name
        if name in tier_of:
            places = [at for at, one in enumerate(tier_of) if one == name]
            some = spans if len(places) == len(spans) else [spans[at] for at in places]
            read = tier.payload(some, account, as_stored=as_stored)
            missing += read.missing
            for at, payload in zip(places, read.payloads, strict=True):
                payloads[at] = payload
    found = [span.with_payload(one) for span, one in zip(spans, payloads, strict=True)]
    return SpansRead(spans=found, missing=tuple(missing))


def refuse_too_many_files(spans: Sequence[Span], *, files_max: int) -> None:
    """Raises QueryTooLarge, with a window that is not, for spans of too many files."""
    seen: set[Source] = set()
    last: Source | None = None
    for number, span in enumerate(spans):
        if span.source is last:
            continue
        last = span.source
        if last in seen or not isinstance(last, DataFile):
            continue
        if len(seen) == files_max:
            total = len({one.source for one in spans if isinstance(one.source, DataFile)})
            raise QueryTooLarge(
                f"the answer needs {total:,} files, limit {files_max:,}",
                hint=_narrower(spans[:number]),
            )
        seen.add(last)


def _narrower(spans: Sequence[Span]) -> str:
    """Bounds that hold exactly these spans, which are in order of start either way."""
    starts = [span.start_time_unix_nano for span in spans]
    return (
        f"Narrow it: since={min(starts)} and until={max(starts) + 1} (nanoseconds since 1970) "
        f"cover the first {counted(len(spans), 'span')}; or ask for fewer."
    )

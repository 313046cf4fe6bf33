"""What an answer lacks because some of its spans hold more than one may, file by file. Pure.

Each of these spans says itself what is left out of it (``omitted``); the answer is not complete.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from indexer.query.missing import SPAN_TOO_LARGE, Missing
from indexer.system.counted_nouns import counted

Omitted = Mapping[str, int] | None


def partial_spans(found: Iterable[tuple[str | None, Omitted]]) -> list[Missing]:
    """One for each file with such spans, of each span's path and what is left out of it.

    Hot spans are of no file.
    """
    omitted: dict[str | None, Counter[str]] = {}
    counts: Counter[str | None] = Counter()
    for path, left_out in found:
        if left_out:
            omitted.setdefault(path, Counter()).update(left_out)
            counts[path] += 1
    return [_missing(path, counts[path], left_out) for path, left_out in omitted.items()]


def _missing(path: str | None, spans: int, left_out: Mapping[str, int]) -> Missing:
    what = ", ".join(f"{count:,} {name}" for name, count in left_out.items())
    subject = counted(spans, "span is", "spans are")
    detail = f"{subject} beyond the limits of a span and answered in part: without {what}"
    return Missing(reason=SPAN_TOO_LARGE, detail=detail, file_path=path)

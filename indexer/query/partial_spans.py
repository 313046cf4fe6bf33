"""What an answer lacks because some of its spans hold more than one may, file by file. Pure.

Each of these spans says itself what is left out of it (``omitted``); the answer is not complete.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from indexer.read.span_payload import OMITTED

ERROR_TYPE = "SpanTooLarge"


def partial_spans(spans: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """One entry of ``missing`` for each file with such spans; hot spans are of no file."""
    omitted: dict[str | None, Counter[str]] = {}
    counts: Counter[str | None] = Counter()
    for span in spans:
        if span.get(OMITTED):
            path = span["file_path"]
            omitted.setdefault(path, Counter()).update(span[OMITTED])
            counts[path] += 1
    return [_missing(path, counts[path], left_out) for path, left_out in omitted.items()]


def _missing(path: str | None, spans: int, left_out: Mapping[str, int]) -> dict[str, str]:
    what = ", ".join(f"{count:,} {name}" for name, count in left_out.items())
    subject = "1 span is" if spans == 1 else f"{spans:,} spans are"
    detail = f"{subject} beyond the limits of a span and answered in part: without {what}"
    file = {} if path is None else {"file_path": path}
    return {**file, "error_type": ERROR_TYPE, "detail": detail}

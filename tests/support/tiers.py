"""Spans that are published, hot, in a recent and in indexed files at once, and answers over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from indexer.hot.view import DecodedRows, HotView
from indexer.mastra.otel_table import OtelView
from indexer.query.answers import Answers
from tests.support.catalogs import indexed
from tests.support.span_files import Span, table, write

TIERS = ("a", "b", "recent", "hot", "published")
"""Two indexed files, one that is not, and none."""
AS_OF = 7


@dataclass(frozen=True)
class Published:
    """A store of published spans, in memory."""

    spans: Sequence[Span]

    def trace(self, trace_id: str) -> OtelView:
        return Published([one for one in self.spans if one.trace_id == trace_id]).newest()

    def newest(self) -> OtelView:
        rows = table(self.spans)
        return OtelView(table=rows, rows=lambda chosen: rows.take(pa.array(chosen, pa.int64())))


def stored_once(spans: Sequence[Span]) -> list[Span]:
    """A store has one record of a span: of those that are drawn the first."""
    found: dict[tuple[int, int, int], Span] = {}
    for one in spans:
        found.setdefault((one.trace, one.span, one.kind), one)
    return list(found.values())


@contextmanager
def answers_over(
    folder: Path, by_tier: Mapping[str, Sequence[Span]], keys: Sequence[str] = (), **options: Any
) -> Iterator[Answers]:
    """Answers over spans by the tier that has them; a span may be in several."""
    with indexed(folder, keys=keys) as one:
        if "published" in by_tier:
            options["published"] = Published(by_tier["published"])
        for tier, spans in by_tier.items():
            if tier not in TIERS[2:] and spans:
                write(one.root / f"{tier}.parquet", spans)
        one.settle()
        recent = one.root / "recent.parquet"
        if by_tier.get("recent"):
            write(recent, by_tier["recent"])
        view = HotView(
            rows=DecodedRows(table(by_tier.get("hot", ()))),
            as_of_unix_nano=AS_OF,
            recent_files=(str(recent),) if recent.exists() else (),
            source="incremental",
            bounded=False,
        )
        yield one.answers(
            directory=lambda: one.pipeline.register.directory, hot=lambda: view, **options
        )


def distinct(by_tier: Mapping[str, Sequence[Span]]) -> list[Span]:
    """Each of their spans once, by brute force; that of the store where it has one."""
    published = by_tier.get("published", ())
    every = (one for some in (*by_tier.values(), published) for one in some)
    found = {(one.trace, one.span, one.kind): one for one in every}
    return list(found.values())

"""What a command is told of hot spans by its worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer.cli.source import Source
from indexer.errors import HotUnavailable
from indexer.settings import Settings

FIRST = {
    "hot": "0" * 32,
    "published": None,
    "catalog": "copy.duckdb",
    "as_of": 1,
    "missing": [],
    "missing_in_index": [],
    "recent_files": [],
}


class Worker:
    """It answers with these lines."""

    def __init__(self, *lines: Any) -> None:
        self.said = lines

    def lines(self, _: str) -> Iterator[Any]:
        yield from self.said

    def delete(self, _: str) -> None:
        """Nothing is held."""


@pytest.mark.parametrize(
    ("lines", "why"), [([{"problem": "a full disk"}], "a full disk"), ([], "gave no hot spans")]
)
def test_a_statement_that_runs_twice_is_told_twice_why_there_are_no_hot_spans(
    tmp_path: Path, lines: list[Any], why: str
) -> None:
    source = Source(Settings(catalog_path=tmp_path / "index.duckdb"))
    source.has_worker, source.worker = True, Worker(FIRST, *lines)  # type: ignore[assignment]
    with source.beside_index() as beside:
        assert beside.hot is not None
        for _ in range(2):
            with pytest.raises(HotUnavailable, match=why):
                beside.hot.rows()

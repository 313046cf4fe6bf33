"""Invariant I6 during a history: what passes for complete is what the files held at that moment,
and no span is ever shown with the payload of another.

The files are read by brute force, each version of one once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from indexer.catalog.catalog_update import CatalogUpdate
from indexer.catalog.database import Catalog
from indexer.catalog.files import FileRegister
from indexer.index.pipeline import Pipeline
from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.query.span import UNREADABLE, Span
from tests.support.catalogs import Row, rows_of, spans_on_disk, start_of

CONTENT = """
SELECT trace_id, span_id, parent_span_id, service_name, name, start_time_unix_nano, duration_ns,
       status_code, span_kind
FROM span_metadata
"""
_PLACE = slice(2, 4)
"""Path and row number: a file whose new name nobody has told yet has the same content."""


class Check(Protocol):
    """Compares answers with the files."""

    def __call__(self, *, uncommitted: bool = False) -> None:
        """Of traces where something is read and not committed."""


def ask_around_commits(register: FileRegister, check: Check) -> None:
    """A reader asks before each commit, of what comes, and after it."""
    apply = register.apply

    def applied(update: CatalogUpdate) -> None:
        check(uncommitted=True)
        apply(update)
        check()

    register.apply = applied  # type: ignore[method-assign]


class Truth:
    """Compares what a reader is shown with what lies on the disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[tuple[Any, ...], list[dict[str, object]] | None] = {}
        self.looks = 0
        """How often something passed for complete and was compared."""
        self.traces = 0
        """How many traces were compared while files were read and not committed."""
        self.payloads = 0
        """How many spans were shown with a payload."""

    def check_content(self, pipeline: Pipeline, _: Catalog, connection: Any, *, told: bool) -> None:
        """Nothing untrue passes for complete. Not ``told``: no event or listing could tell."""
        answer = self._answers(pipeline, connection).services()
        if not told or not answer.completeness.is_complete:
            return
        self.looks += 1
        held = self._on_disk()
        shown = sorted(connection.execute(CONTENT).fetchall(), key=_order)
        content = sorted(((*row[: _PLACE.start], *row[_PLACE.stop :]) for row in held), key=_order)
        assert shown == content, "an answer passed for complete that is not"
        services = {service.service_name: service.total_spans for service in answer.services}
        counted: dict[Any, int] = {}
        for row in held:
            counted[row[5]] = counted.get(row[5], 0) + 1
        assert services == counted, "the services are not those of the files"

    def check_traces(
        self, pipeline: Pipeline, catalog: Catalog, connection: Any, *, told: bool
    ) -> None:
        """No trace passes for complete that is another than in the files, committed or not."""
        arriving = catalog.commits.arriving
        answers = replace(self._answers(pipeline, connection), arriving=lambda: arriving)
        for number in range(1, 6):
            answer = answers.trace(f"{number:032x}")
            if not told or not answer.completeness.is_complete:
                continue
            self.traces += bool(arriving)
            shown = sorted(map(_content, answer.spans), key=_order)
            held = (row for row in self._on_disk() if row[0] == answer.trace_id)
            content = ((*row[: _PLACE.start], *row[_PLACE.stop :]) for row in held)
            assert shown == sorted(content, key=_order), "a trace passed for complete that is not"

    def check_trace(self, pipeline: Pipeline, connection: Any, trace_id: str) -> None:
        """Each span that is shown with a payload is so in the file that it is shown from."""
        answer = self._answers(pipeline, connection).trace(trace_id)
        for span in answer.spans:
            if span.payload is not None and span.payload is not UNREADABLE:
                self.payloads += 1
                assert self._holds(span), f"{span.name} is shown with the payload of another span"

    def _holds(self, span: Span) -> bool:
        rows = self._rows(Path(str(span.source.path))) or []
        return any(
            (row["trace_id"], row["span_id"], row["name"], start_of(row))
            == (span.trace_id, span.span_id, span.name, span.start_time_unix_nano)
            and _json(row["attributes"]) == span.payload.attributes  # type: ignore[union-attr]
            for row in rows
        )

    def _answers(self, pipeline: Pipeline, connection: Any) -> Answers:
        return Answers(
            moments=CatalogMoments(
                cursor=connection.cursor,
                storage=pipeline.storage,
                outstanding=pipeline.outstanding,
            )
        )

    def _on_disk(self) -> Sequence[Row]:
        return spans_on_disk(self._root, self._rows)

    def _rows(self, path: Path) -> list[dict[str, object]] | None:
        status = path.stat()
        key = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if key not in self._read:
            self._read[key] = rows_of(path)
        return self._read[key]


def _content(span: Span) -> Row:
    """As a row of ``CONTENT``."""
    return (*span[:6], span.known_duration_ns, span.status_code, span.span_kind)


def _json(text: object) -> object:
    try:
        return json.loads(str(text))
    except ValueError:
        return text


def _order(row: Row) -> Any:
    return tuple((value is None, value) for value in row)

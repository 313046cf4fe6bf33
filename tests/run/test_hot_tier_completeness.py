"""Beside an ingestion like Junjo's an answer is complete when it is, and says so when it is not.

The ingestion cuts its list of files by number and by age and forgets it at a restart; the worker
is as far behind as each test lets it be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from indexer.hot.view import HotLimits
from indexer.query.answer import SpansAnswer
from indexer.query.answers import Answers
from indexer.query.find.span_query import SpanQuery
from indexer.query.tiers.recent_files import RECENT_FILES_MAX
from indexer.run import hot_tier
from indexer.run.hot_tier import HotTier
from indexer.settings import load_settings
from tests.hot.servers import serving
from tests.support import junjo_ingestion
from tests.support.catalogs import Indexed, indexed
from tests.support.junjo_ingestion import RECENT_FILES_S, JunjoIngestion
from tests.support.span_files import Span

pytestmark = pytest.mark.duckdb

MAX_AGE_S = 1.0
STEPS = 40
"""Of a drawn history: each costs a snapshot and an answer, 10 ms."""


class Place:
    """An ingestion, a worker's index over the same storage, and the answers of both."""

    def __init__(self, one: Indexed, service: JunjoIngestion, hot: HotTier) -> None:
        self.one = one
        self.service = service
        self.hot = hot
        self._sent = 0
        self._sent_at: dict[int, int] = {}

    def send(self) -> None:
        self._sent += 1
        self.service.log.append(Span(trace=self._sent, span=self._sent))
        self._sent_at[self._sent] = self.one.clock.now_unix_nano()

    def acknowledged(self, answer: SpansAnswer) -> set[int]:
        """The spans that an answer has considered, if it is complete."""
        as_of = answer.completeness.as_of_unix_nano or 0
        return {number for number, at in self._sent_at.items() if at < as_of}

    @property
    def answers(self) -> Answers:
        return self.one.answers(hot=self.hot.ask, outstanding=self.one.pipeline.outstanding)

    def ask(self) -> SpansAnswer:
        return self.answers.spans(SpanQuery(limit=500), payload=False)

    def later(self) -> SpansAnswer:
        """Asked when nothing is shared any more."""
        self.one.clock.advance(MAX_AGE_S)
        return self.ask()

    def reasons(self, answer: SpansAnswer) -> list[str]:
        """Why it is incomplete; a complete one has all that was sent."""
        assert len(answer.spans) == self._sent or answer.completeness.missing
        return [one.reason.code for one in answer.completeness.missing]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(hot_tier, "HotLimits", partial(HotLimits, deadline_s=100.0))
    with indexed(tmp_path) as one:
        service = JunjoIngestion(tmp_path, one.clock)
        with serving(service) as port:
            settings = load_settings(
                JUNJO_SPAN_STORAGE_PATH=str(one.root),
                INGESTION_SNAPSHOT_PATH=str(service.hot_folder),
                INGESTION_GRPC_HOST="127.0.0.1",
                INGESTION_GRPC_PORT=str(port),
                INDEXER_HOT_MAX_AGE=str(MAX_AGE_S),
            )
            hot = HotTier(settings, one.clock, one.pipeline.new_files.find)
            try:
                yield Place(one, service, hot)
            finally:
                hot.close()


def test_an_answer_is_complete_whatever_of_it_is_hot_flushed_or_indexed(place: Place) -> None:
    place.send()
    place.service.flush()
    place.one.settle()
    assert place.reasons(place.ask()) == []
    for _ in range(3):
        place.send()
        assert place.reasons(place.later()) == []
        place.service.flush()
        assert place.reasons(place.later()) == []


def test_before_the_storage_was_listed_nothing_proves_it(place: Place) -> None:
    place.send()
    assert "HotBounded" in place.reasons(place.ask())
    place.one.pipeline.sweep()
    assert place.reasons(place.later()) == []


def test_a_list_cut_by_number_makes_no_answer_incomplete(place: Place) -> None:
    """The index has none of them; one more than a list has, and as many as an answer reads."""
    place.one.settle()
    for _ in range(junjo_ingestion.RECENT_FILES_MAX + 1):
        place.send()
        place.service.flush()
    assert place.reasons(place.ask()) == []
    for _ in range(RECENT_FILES_MAX - junjo_ingestion.RECENT_FILES_MAX - 1):
        place.send()
        place.service.flush()
    assert place.reasons(place.later()) == []
    place.send()
    place.service.flush()
    assert place.reasons(place.later()) == ["TooManyRecentFiles"]
    place.one.settle()
    assert place.reasons(place.later()) == []


def test_a_list_cut_by_age_makes_no_answer_incomplete(place: Place) -> None:
    place.one.settle()
    place.send()
    place.service.flush()
    place.one.clock.advance(RECENT_FILES_S + 1)
    assert place.reasons(place.ask()) == []


def test_a_list_that_a_restart_forgot_makes_no_answer_incomplete(place: Place) -> None:
    place.one.settle()
    place.send()
    place.service.flush()
    place.service.restart()
    assert place.reasons(place.ask()) == []


def test_an_ingestion_that_writes_below_a_folder_of_its_own_is_followed_there(
    place: Place,
) -> None:
    """Also by a worker that it has told nothing, because both were just started."""
    place.one.settle()
    for number in range(3):
        place.send()
        day = place.service.flush()
        place.service.restart()
        below = place.one.root / "parquet" / day.relative_to(place.one.root).parent
        below.mkdir(parents=True, exist_ok=True)
        day.rename(below / f"{number}.parquet")
        assert place.reasons(place.later()) == []
    place.send()
    place.service.flush(below / "named.parquet")
    assert place.reasons(place.later()) == []


def test_a_flush_over_midnight_is_seen_on_either_day(place: Place) -> None:
    """The folder is the day of the flush, by the clock of the ingestion."""
    place.one.settle()
    for _ in range(3):
        place.send()
        place.service.flush()
        place.service.restart()
        assert place.reasons(place.later()) == []
        place.one.clock.advance(86_400)


def test_a_new_file_that_cannot_be_read_is_missing_until_it_is_refused(place: Place) -> None:
    place.one.settle()
    place.send()
    path = place.service.flush()
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    assert place.reasons(place.ask()) == ["FooterUnreadable"]
    path.write_bytes(whole)
    assert place.reasons(place.later()) == []


def test_questions_share_one_snapshot_and_one_listing_for_a_while(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings: list[str] = []
    names = place.one.pipeline.storage.names
    monkeypatch.setattr(
        place.one.pipeline.storage, "names", lambda folder: listings.append(folder) or names(folder)
    )
    place.one.settle()
    place.send()
    place.service.flush()
    place.send()
    first = place.ask()
    place.one.clock.advance(MAX_AGE_S - 0.001)
    shared = place.ask()
    assert shared.completeness.as_of_unix_nano == first.completeness.as_of_unix_nano
    assert (place.service.snapshots, len(listings)) == (1, 1)
    place.one.clock.advance(0.001)
    assert place.ask().completeness.as_of_unix_nano != first.completeness.as_of_unix_nano
    assert (place.service.snapshots, len(listings)) == (2, 2)


def test_a_span_that_is_flushed_and_indexed_while_a_snapshot_is_shared_stays(place: Place) -> None:
    place.one.settle()
    place.send()
    assert place.reasons(place.ask()) == []
    place.service.flush()
    assert place.reasons(place.ask()) == []
    place.one.settle()
    assert place.reasons(place.ask()) == []


def test_an_ingestion_that_writes_no_folders_of_days_is_listed_whole(place: Place) -> None:
    """Its list says so; what that list has lost is found all the same."""
    place.one.settle()
    for name in ("forgotten.parquet", "named.parquet"):
        place.service.restart()
        place.send()
        place.service.flush(place.one.root / name)
    assert place.reasons(place.ask()) == []


def test_nothing_that_happens_makes_an_answer_pass_for_complete_that_is_not(
    place: Place, seed: int
) -> None:
    """Whatever of a drawn history is hot, flushed, listed, indexed, forgotten or long ago."""
    chance = random.Random(seed)
    pipeline = place.one.pipeline
    happens: list[tuple[int, Callable[[], object]]] = [
        (4, place.send),
        (4, place.service.flush),
        (2, place.service.restart),
        (2, pipeline.sweep),
        (2, lambda: pipeline.drain(lambda: False)),
        (1, place.one.settle),
        (3, lambda: place.one.clock.advance(chance.choice((0.4, MAX_AGE_S, 90, 80_000)))),
    ]
    weights, steps = zip(*happens, strict=True)
    for _ in range(STEPS):
        (step,) = chance.choices(steps, weights)
        if step != place.service.flush or place.service.log:
            step()
        answer = place.ask()
        if answer.completeness.is_complete:
            found = {int(span.span_id, 16) for span in answer.spans}
            assert place.acknowledged(answer) <= found, (seed, step)
    place.one.settle()
    assert place.reasons(place.later()) == [], seed

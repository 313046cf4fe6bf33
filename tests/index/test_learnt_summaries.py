"""What searches learn reaches the catalog in time, and goes with its file."""

from __future__ import annotations

from pathlib import Path

from indexer.index.learnt_summaries import QUEUE_BYTES_MAX, WAIT_S, LearntSummaries
from indexer.query.find.absences import Absences
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_query import SpanQuery
from indexer.spans.key_summary import ABSENT, FileKeySummary
from tests.support.catalogs import Indexed, indexed
from tests.support.fake_clock import FakeClock
from tests.support.span_files import Span, write

LEARNT = """
SELECT relative_path, owner, key, is_present, least, greatest, has_text
FROM file_key_summaries JOIN parquet_files USING (file_id) ORDER BY ALL
"""
K = AttributeCondition(key="k")


class Register:
    """What the index thread hands to the catalog."""

    recorded: list[FileKeySummary]

    def record_key_summaries(self, learnt: list[FileKeySummary], _bytes_max: int) -> None:
        self.recorded = learnt


def summary(key: str) -> FileKeySummary:
    return FileKeySummary(
        relative_path="1.parquet",
        footer_digest="",
        stamp=(0, 0),
        owner="span",
        key=key,
        summary=ABSENT,
    )


def three_files(folder: Path) -> None:
    for number, text in enumerate(('{"k":7}', '{"k":"b"}', "{}"), 1):
        write(folder / f"{number}.parquet", [Span(trace=number, attributes=text)])


def search(one: Indexed, learnt: LearntSummaries, condition: AttributeCondition = K) -> int:
    """By somebody who was started just now; the files that were opened."""
    answers = one.answers(absences=Absences(keep=learnt.put))
    return answers.spans(SpanQuery(where=condition), payload=False).cost.files_read


def test_what_is_learnt_is_recorded_together_after_a_while(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        assert isinstance(one.clock, FakeClock)
        three_files(one.root)
        one.settle()
        learnt = LearntSummaries(one.clock, 1 << 20)
        learnt.step(one.pipeline.register)
        assert learnt.next_due_s() is None
        woken: list[float] = []
        learnt.notify = lambda: woken.append(WAIT_S)
        assert search(one, learnt) == 3
        learnt.step(one.pipeline.register)
        assert (woken, one.rows(LEARNT)) == ([WAIT_S], [])
        one.clock.advance(WAIT_S)
        learnt.step(one.pipeline.register)
        assert one.rows(LEARNT) == [
            ("1.parquet", "span", "k", True, 7, 7, False),
            ("2.parquet", "span", "k", True, None, None, True),
            ("3.parquet", "span", "k", False, None, None, False),
        ]


def test_whoever_asks_next_opens_only_files_that_can_match(tmp_path: Path) -> None:
    """Whatever value is asked for, and whoever asks."""
    with indexed(tmp_path) as one:
        three_files(one.root)
        one.settle()
        learnt = LearntSummaries(one.clock, 1 << 20)
        search(one, learnt)
        learnt.record(one.pipeline.register)

        def asked(**words: object) -> int:
            return search(one, learnt, AttributeCondition(key="k", **words))  # type: ignore[arg-type]

        assert asked() == 2
        assert asked(operator="=", value=7) == 1
        assert asked(operator="=", value="b") == 1
        assert asked(operator="=", value="c") == 0
        assert asked(operator=">", value=6.5) == 1
        assert asked(operator="<", value=7) == 1  # doubles: 7 itself is not told from what is below
        assert asked(operator="<", value=6) == 0
        assert asked(operator="contains", value="b") == 1
        one.pipeline.register.load()
        assert asked(operator="=", value="c") == 0


def test_a_file_that_is_replaced_takes_along_what_was_learnt_of_it(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        three_files(one.root)
        one.settle()
        learnt = LearntSummaries(one.clock, 1 << 20)
        search(one, learnt)
        learnt.record(one.pipeline.register)
        search(one, learnt, AttributeCondition(key="j"))
        write(one.root / "1.parquet", [Span(trace=9, attributes='{"k":8,"j":1}')])
        (one.root / "2.parquet").unlink()
        one.settle()
        learnt.record(one.pipeline.register)
        assert [row[:3] for row in one.rows(LEARNT)] == [
            ("3.parquet", "span", "j"),
            ("3.parquet", "span", "k"),
        ]


def test_the_oldest_go_where_there_are_too_many_bytes(tmp_path: Path) -> None:
    """A key that is learnt again is not kept twice."""
    with indexed(tmp_path) as one:
        three_files(one.root)
        one.settle()
        register = one.pipeline.register
        learnt = LearntSummaries(one.clock, 800)
        for key in ("a", "k", "k"):
            search(one, learnt, AttributeCondition(key=key))
            one.clock.advance(1)
            learnt.record(register)
        assert len(one.rows(LEARNT)) == 6
        search(one, learnt, AttributeCondition(key="c"))
        one.clock.advance(1)
        learnt.record(register)
        assert {row[2] for row in one.rows(LEARNT)} == {"k", "c"}
        LearntSummaries(one.clock, 0).step(register)
        assert one.rows(LEARNT) == []


def test_what_there_is_no_room_for_is_dropped() -> None:
    clock = FakeClock()
    taken = LearntSummaries(clock, 1 << 20)
    one = summary("k" * 1_000)
    for _ in range(2 * QUEUE_BYTES_MAX // one.size_bytes):
        taken.put(one)
    register = Register()
    taken.record(register)  # type: ignore[arg-type]
    assert 0 < sum(each.size_bytes for each in register.recorded) <= QUEUE_BYTES_MAX

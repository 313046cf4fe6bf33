"""The second pass: when a file's attributes are read, and what becomes of those that cannot be."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from indexer.catalog.files import FileRegister
from indexer.errors import FileUnreadable
from indexer.index.promotion import FINISHING_GROUPS, QUIET_S, WAIT_MAX_S
from indexer.model import ParquetFileInfo
from indexer.read.promoted import AttributeReader
from indexer.spans.attributes import LLM_FLAG
from indexer.system.storage import LocalStorage
from tests.support.catalogs import Indexed, audited, indexed
from tests.support.span_files import Span, parquet_bytes, spans, write

pytestmark = pytest.mark.duckdb

KEYS = ("error.type", "gen_ai.operation.name")
FAILED = Span(span=2, attributes='{"error.type":"timeout"}')
STATES = (
    "SELECT relative_path, key, value_count, error_type FROM file_attributes "
    "JOIN promoted_attributes USING (key_id) JOIN parquet_files USING (file_id) ORDER BY ALL"
)
VALUES = "SELECT span_id[-1:], key, value FROM span_attributes ORDER BY ALL"
FLAGS = "SELECT trace_id[-1:], attribute_flags FROM trace_files ORDER BY ALL"


def arrive(one: Indexed, name: str, rows: list[Span]) -> None:
    path = write(one.root / name, rows)
    one.pipeline.look([str(path)])
    one.pipeline.drain(lambda: False)


def step(one: Indexed) -> bool:
    """A group that is due, read and recorded; whether there was one."""
    promotion = one.pipeline.promotion
    recorded = promotion.step()
    while promotion.is_reading:
        time.sleep(0.001)
        recorded = promotion.step()
    return recorded


def test_attributes_wait_for_a_short_quiet(tmp_path: Path) -> None:
    """A span is answerable first; its attributes follow."""
    with indexed(tmp_path, keys=KEYS) as one:
        arrive(one, "a.parquet", [FAILED])
        assert not step(one)
        assert (len(one.spans()), one.rows(STATES)) == (1, [])
        assert one.pipeline.next_due_s() == one.clock.monotonic_s() + QUIET_S
        one.clock.sleep_s(QUIET_S)
        assert step(one)
        assert one.rows(VALUES) == [("2", "error.type", "timeout")]
        assert one.rows(STATES) == [
            ("a.parquet", "error.type", 1, None),
            ("a.parquet", "gen_ai.operation.name", 0, None),
        ]
        assert not step(one)


def test_files_that_keep_coming_hold_attributes_up_for_a_second_at_most(tmp_path: Path) -> None:
    """Quiet that never comes is not waited for."""
    with indexed(tmp_path, keys=KEYS) as one:
        begun = one.clock.monotonic_s()
        number = 0
        while not step(one):
            number += 1
            arrive(one, f"{number}.parquet", spans(1, trace=number))
            one.clock.sleep_s(QUIET_S / 2)
        assert one.clock.monotonic_s() - begun <= WAIT_MAX_S + QUIET_S
        assert one.rows("SELECT count(DISTINCT file_id) FROM file_attributes") == [(number,)]


def test_a_file_that_comes_while_attributes_are_read_does_not_wait_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are recorded when they are there, each file's with its own."""
    read, may_read = AttributeReader.read, threading.Event()

    def read_later(*args: Any) -> Any:
        assert may_read.wait(100)
        return read(*args)

    monkeypatch.setattr(AttributeReader, "read", read_later)
    with indexed(tmp_path, keys=KEYS) as one:
        arrive(one, "a.parquet", [FAILED])
        one.clock.sleep_s(QUIET_S)
        assert not one.pipeline.promotion.step()
        assert one.pipeline.promotion.is_reading
        arrive(one, "b.parquet", [Span(trace=2)])
        assert (len(one.spans()), one.rows(STATES)) == (2, [])
        may_read.set()
        assert step(one)
        assert one.rows(VALUES) == [("2", "error.type", "timeout")]
        one.clock.sleep_s(QUIET_S)
        assert step(one)
        assert one.rows("SELECT count(DISTINCT file_id) FROM file_attributes") == [(2,)]


def test_at_the_end_the_next_files_are_read_while_some_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In as many transactions as groups; nobody waits for the first of them."""
    promote, seen = FileRegister.promote, []

    with indexed(tmp_path, keys=KEYS, group_files=1) as one:

        def recorded(register: FileRegister, files: Any) -> None:
            seen.append((len(files), one.pipeline.promotion.is_reading))
            promote(register, files)

        monkeypatch.setattr(FileRegister, "promote", recorded)
        for number in range(2 * FINISHING_GROUPS + 1):
            arrive(one, f"{number}.parquet", spans(1, trace=number + 1))
        one.pipeline.promotion.finish(lambda: False)
        assert seen == [(FINISHING_GROUPS, True), (FINISHING_GROUPS, True), (1, False)]
        assert one.rows("SELECT count(DISTINCT file_id) FROM file_attributes") == [(len(seen) * 3,)]


def test_the_newest_files_come_first(tmp_path: Path) -> None:
    """A backfill begins with what dashboards look at."""
    with indexed(tmp_path, keys=KEYS, group_files=1) as one:
        for number in (2, 3, 1):
            os.utime(write(one.root / f"{number}.parquet", spans(1)), ns=(number, number))
        one.pipeline.sweep()
        one.pipeline.drain(lambda: False)
        one.clock.sleep_s(QUIET_S)
        assert step(one)
        assert one.rows("SELECT DISTINCT relative_path FROM (" + STATES + ")") == [("3.parquet",)]


def test_attributes_that_do_not_decode_are_said_so_and_the_spans_stay(tmp_path: Path) -> None:
    """The page is damaged, the index of its spans is not; a changed file is read anew."""
    with indexed(tmp_path, keys=KEYS) as one:
        options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
        marked = Span(attributes='{"error.type":"' + "x" * 64 + '"}')
        content = bytearray(parquet_bytes([marked], **options))
        content[content.index(b"x" * 64) + 7] ^= 1
        (one.root / "a.parquet").write_bytes(content)
        one.settle()
        assert len(one.spans()) == 1
        assert one.rows(STATES) == [
            ("a.parquet", "error.type", 0, "CorruptPage"),
            ("a.parquet", "gen_ai.operation.name", 0, "CorruptPage"),
        ]
        write(one.root / "a.parquet", [FAILED])
        one.settle()
        assert one.rows(VALUES) == [("2", "error.type", "timeout")]


def test_attributes_that_cannot_be_had_now_are_read_later(tmp_path: Path) -> None:
    """A transient error leaves the file behind, and is tried again."""

    class Locked(LocalStorage):
        locked = False

        def open(self, info: ParquetFileInfo):  # type: ignore[no-untyped-def]
            if self.locked:
                raise FileUnreadable("injected", path=info.relative_path)
            return super().open(info)

    (tmp_path / "spans").mkdir()
    storage = Locked(tmp_path / "spans")
    with indexed(tmp_path, keys=KEYS, storage=storage) as one:
        arrive(one, "a.parquet", [FAILED])
        storage.locked = True
        one.clock.sleep_s(QUIET_S)
        assert step(one)
        assert one.rows(STATES) == []
        due_s = one.pipeline.next_due_s()
        assert due_s is not None
        assert due_s > one.clock.monotonic_s()
        assert not step(one)
        storage.locked = False
        one.clock.sleep_s(due_s - one.clock.monotonic_s())
        assert step(one)
        assert one.rows(VALUES) == [("2", "error.type", "timeout")]


def test_a_file_replaced_before_its_attributes_were_read_gives_the_new_ones(tmp_path: Path) -> None:
    """The old bytes are asked for and are not there: no value of them is kept."""
    with indexed(tmp_path, keys=KEYS) as one:
        arrive(one, "a.parquet", [FAILED])
        write(one.root / "a.parquet", [Span(span=3, attributes='{"error.type":"new"}')])
        one.clock.sleep_s(QUIET_S)
        step(one)
        assert one.rows(STATES) == []
        one.settle()
        assert one.rows(VALUES) == [("3", "error.type", "new")]


def test_another_set_of_keys_is_caught_up(tmp_path: Path) -> None:
    """What goes leaves nothing behind, what comes is read from every file, flags follow."""
    rows = [FAILED, Span(trace=2, attributes='{"gen_ai.operation.name":"chat","a":1}')]
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", rows)
        one.settle()
        assert one.rows(FLAGS) == [("1", 1), ("2", LLM_FLAG | 2)]
    with indexed(tmp_path, keys=("a", "gen_ai.operation.name")) as one:
        assert one.rows(VALUES) == [("1", "gen_ai.operation.name", "chat")]
        assert one.rows(FLAGS) == [("1", 0), ("2", LLM_FLAG | 2)]
        one.settle()
        assert one.rows(VALUES) == [("1", "a", "1"), ("1", "gen_ai.operation.name", "chat")]
        assert one.rows(FLAGS) == [("1", 0), ("2", LLM_FLAG | 3)]
    with indexed(tmp_path, keys=()) as one:
        assert (one.rows(VALUES), one.rows(STATES)) == ([], [])
        assert one.rows(FLAGS) == [("1", 0), ("2", 0)]
    report = audited(tmp_path / "spans", tmp_path / "catalog.duckdb")
    assert (report.passed, report.pending) == (True, ())


@pytest.mark.parametrize(
    ("attributes", "is_llm"),
    [
        ('{"openinference.span.kind":"LLM"}', True),
        ('{"openinference.span.kind":"CHAIN"}', False),
        ('{"openinference.span.kind":"llm"}', False),
        ('{"gen_ai.system":"openai"}', True),
        ('{"gen_ai.system":""}', False),
        ('{"gen_ai.system":null}', False),
        ('{"error.type":"LLM"}', False),
    ],
)
def test_a_trace_with_an_llm_call_has_the_flag(
    tmp_path: Path, attributes: str, is_llm: bool
) -> None:
    """One span of it is enough, in any service."""
    rows = [*spans(2), Span(span=9, parent=1, service="model", attributes=attributes)]
    keys = ("openinference.span.kind", "gen_ai.system", "error.type")
    with indexed(tmp_path, keys=keys) as one:
        write(one.root / "a.parquet", rows)
        one.settle()
        ((flags,),) = one.rows("SELECT attribute_flags FROM trace_files")
    assert bool(flags & LLM_FLAG) == is_llm


def test_a_key_that_goes_takes_its_llm_calls_along(tmp_path: Path) -> None:
    """Those that other keys still tell stay."""
    rows = [
        Span(trace=1, attributes='{"gen_ai.system":"x"}'),
        Span(trace=2, attributes='{"openinference.span.kind":"LLM"}'),
    ]
    llm = (
        f"SELECT trace_id[-1:] FROM trace_files WHERE attribute_flags & {LLM_FLAG} <> 0 ORDER BY 1"
    )
    with indexed(tmp_path, keys=("gen_ai.system", "openinference.span.kind")) as one:
        write(one.root / "a.parquet", rows)
        one.settle()
        assert one.rows(llm) == [("1",), ("2",)]
    with indexed(tmp_path, keys=("openinference.span.kind",)) as one:
        one.settle()
        assert one.rows(llm) == [("2",)]
    report = audited(tmp_path / "spans", tmp_path / "catalog.duckdb")
    assert (report.passed, report.pending) == (True, ())


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE indexed_attributes SET value = 'other'",
        "DELETE FROM indexed_attributes",
        "UPDATE file_attributes SET value_count = value_count + 1",
        "UPDATE trace_files SET attribute_flags = 0",
        "DELETE FROM promoted_attributes",
    ],
)
def test_the_audit_finds_attributes_that_a_rebuild_would_not_have(
    tmp_path: Path, wrong: str
) -> None:
    """I1 and I3 cover them."""
    with indexed(tmp_path, keys=KEYS) as one:
        write(one.root / "a.parquet", [FAILED])
        one.settle()
        one.rows(wrong)
    assert not audited(tmp_path / "spans", tmp_path / "catalog.duckdb").passed


def test_the_audit_names_files_that_are_behind(tmp_path: Path) -> None:
    """Not wrong, and not done."""
    with indexed(tmp_path, keys=KEYS) as one:
        arrive(one, "a.parquet", [FAILED])
    report = audited(tmp_path / "spans", tmp_path / "catalog.duckdb")
    assert (report.passed, report.pending) == (True, ("a.parquet",))


def test_a_catalog_from_before_promotion_catches_up(tmp_path: Path) -> None:
    """A register that is told nothing leaves the keys as they are; one that is told adds them."""
    with indexed(tmp_path, keys=()) as one:
        write(one.root / "a.parquet", [FAILED])
        one.settle()
        assert FileRegister(one.catalog, one.clock, str(one.root)).unpromoted == {}
    with indexed(tmp_path, keys=KEYS) as one:
        one.settle()
        assert one.rows(VALUES) == [("2", "error.type", "timeout")]

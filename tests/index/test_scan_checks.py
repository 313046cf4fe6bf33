"""Registered files are looked at when nothing else is to be done, and once."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from indexer.index import scan_checks as module
from tests.support.catalogs import Indexed, indexed
from tests.support.fake_clock import FakeClock
from tests.support.span_files import spans, write

SCANS = """
SELECT relative_path, has_metadata, len(stored)
FROM file_scans JOIN parquet_files USING (file_id) ORDER BY 1
"""
LOOKED_AT = (True, 3)


def until_idle(one: Indexed) -> None:
    while one.pipeline.scan_checks.next_due_s() is not None:
        one.pipeline.scan_checks.step()
        time.sleep(0.001)


def test_files_are_looked_at_after_a_quiet_time(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        write(one.root / "b.parquet", spans(2, trace=2))
        one.settle()
        one.pipeline.scan_checks.step()
        assert one.rows(SCANS) == []
        assert isinstance(one.clock, FakeClock)
        one.clock.sleep_s(3)
        until_idle(one)
        assert one.rows(SCANS) == [("a.parquet", *LOOKED_AT), ("b.parquet", *LOOKED_AT)]


def test_checks_that_are_given_back_are_begun_later_and_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a file comes every few seconds, looking at the one before it is for nothing."""

    def interrupted(*_: object) -> None:
        raise module._Interrupted

    with indexed(tmp_path) as one, monkeypatch.context() as patch:
        patch.setattr(module, "scan_of", interrupted)
        write(one.root / "a.parquet", spans(2))
        one.settle()
        assert isinstance(one.clock, FakeClock)
        checks, waits = one.pipeline.scan_checks, []
        for _ in range(7):
            due_s = checks.next_due_s()
            assert due_s is not None
            waits.append(due_s - one.clock.monotonic_s())
            one.clock.sleep_s(waits[-1])
            checks.step()
            checks.registered()
            until_idle_check(one)
        assert waits[1:] == pytest.approx([4, 8, 16, 32, 60, 60])
        patch.undo()
        one.clock.sleep_s(60)
        until_idle(one)
        checks.registered()
        assert checks._quiet_due_s - one.clock.monotonic_s() == pytest.approx(2)


def until_idle_check(one: Indexed) -> None:
    """Until the check that was begun is over."""
    while one.pipeline.scan_checks._running is not None:
        one.pipeline.scan_checks.step()
        time.sleep(0.001)


def test_a_file_that_is_replaced_is_looked_at_anew_and_one_that_goes_leaves_nothing(
    tmp_path: Path,
) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        gone = write(one.root / "b.parquet", spans(2, trace=2))
        one.settle()
        one.pipeline.scan_checks.finish()
        write(one.root / "a.parquet", spans(3, attributes="{"))
        gone.unlink()
        one.settle()
        assert one.rows(SCANS) == []
        one.pipeline.scan_checks.finish()
        assert one.rows(SCANS) == [("a.parquet", True, 2)]


def test_a_file_that_cannot_be_read_waits_and_a_damaged_one_is_decided(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        gone = write(one.root / "a.parquet", spans(2))
        damaged = write(one.root / "b.parquet", spans(2, trace=2))
        one.settle()
        gone.unlink()
        content = bytearray(damaged.read_bytes())
        content[40] ^= 255
        stat = damaged.stat()
        damaged.write_bytes(content)
        os.utime(damaged, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        one.pipeline.scan_checks.finish()
        assert [row[:2] for row in one.rows(SCANS)] == [("b.parquet", False)]
        assert one.pipeline.scan_checks.next_due_s() is None


def test_what_was_seen_outlives_the_process(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(2))
        one.settle()
        one.pipeline.scan_checks.finish()
    with indexed(tmp_path) as one:
        assert one.pipeline.scan_checks.next_due_s() is None


@pytest.mark.parametrize(
    ("idle_s", "looks", "rest_s", "worked_s"),
    [
        ([0.0, 0.0, 0.0, 9.0], 4, 100.0, 0.0),
        ([9.0], 1, 100.0, 0.0),
        ([0.0, 0.0, 0.0, 9.0], 4, 0.0, 100.0),
    ],
    ids=["until nobody asks", "nobody asks", "after a long step"],
)
def test_a_check_rests_while_somebody_asks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    idle_s: list[float],
    looks: int,
    rest_s: float,
    worked_s: float,
) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.001)
    monkeypatch.setattr(module, "_REST_S_MAX", rest_s)
    seen: list[float] = []

    def idle() -> float:
        seen.append(idle_s[len(seen)])
        return seen[-1]

    with indexed(tmp_path) as one:
        register = one.pipeline.register
        checks = module.ScanChecks(one.pipeline.storage, register, one.clock, idle)
        checks._rested_s -= worked_s
        checks._rest()
        checks.close()
    assert len(seen) == looks


def test_a_check_goes_on_though_somebody_always_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REST_S_MAX", 0.005)
    with indexed(tmp_path) as one:
        register = one.pipeline.register
        checks = module.ScanChecks(one.pipeline.storage, register, one.clock, lambda: 0.0)
        checks._rest()
        checks.close()
        with pytest.raises(module._Interrupted):
            checks._rest()

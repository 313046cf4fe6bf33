"""Files that came after a complete listing are found in the folders of the days since."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer.errors import StorageUnavailable
from indexer.index import new_files as module
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import spans, write


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Indexed]:
    with indexed(tmp_path) as found:
        yield found


def day(one: Indexed, days: int = 0) -> Path:
    at = datetime.fromtimestamp(one.clock.now_unix_nano() / 1e9, UTC) + timedelta(days=days)
    return one.root / f"{at:year=%Y/month=%m/day=%d}"


def find(one: Indexed, *named: Path) -> list[str]:
    found = one.pipeline.new_files.find([str(path) for path in named])
    return [Path(path).name for path in found]


def test_nothing_is_known_before_a_complete_listing(one: Indexed) -> None:
    with pytest.raises(StorageUnavailable):
        find(one)


def test_what_is_neither_registered_nor_refused_is_found(one: Indexed) -> None:
    """Newest first; a writer's own names, and what is not a file by its name, are left alone."""
    write(day(one) / "registered.parquet", spans(1))
    (day(one) / "refused.parquet").write_bytes(b"not Parquet at all")
    one.settle()
    assert find(one) == []
    for seconds, name in ((1, "a.parquet"), (2, "b.parquet"), (3, "_c.parquet"), (4, "d.tmp")):
        path = write(day(one) / name, spans(1, trace=2 + seconds))
        at_s = 1_790_000_000 + seconds
        os.utime(path, (at_s, at_s))
    (day(one) / "refused.parquet").write_bytes(b"other bytes that are not Parquet")
    assert find(one)[-2:] == ["b.parquet", "a.parquet"]
    assert find(one)[:-2] == ["refused.parquet"]


def test_all_folders_are_looked_into_until_the_ingestion_has_shown_where_it_writes(
    one: Indexed,
) -> None:
    """Then the newest days there; a file that turns up in last week's folder is no flush."""
    one.settle()
    names = ["new.parquet", "old.parquet"]
    write(day(one, -7) / "old.parquet", spans(1))
    flushed = write(day(one) / "new.parquet", spans(1, trace=2))
    assert sorted(find(one)) == names
    assert find(one, flushed) == find(one) == ["new.parquet"]
    elsewhere = write(one.root / "flat.parquet", spans(1, trace=3))
    assert sorted(find(one, elsewhere)) == sorted(find(one)) == ["flat.parquet", *names]


def test_the_days_may_lie_in_folders_below_the_root(one: Indexed) -> None:
    """Two ingestions, or one that was moved: each place that was named is looked into."""
    one.settle()
    days = day(one).relative_to(one.root)
    some = [write(one.root / top / days / f"{top}.parquet", spans(1)) for top in ("a", "b", "c")]
    assert find(one, some[0]) == ["a.parquet"]
    assert sorted(find(one, some[1])) == ["a.parquet", "b.parquet"]


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(one: Indexed) -> None:
    one.settle()
    day(one).parent.mkdir(parents=True)
    assert find(one, day(one) / "gone.parquet") == []
    day(one).write_text("a file where the folder of the day should be")
    with pytest.raises(StorageUnavailable):
        find(one)


def test_another_folder_at_the_path_of_the_root_is_not_the_one_that_was_listed(
    one: Indexed,
) -> None:
    one.settle()
    one.root.rename(one.root.with_name("away"))
    with pytest.raises(StorageUnavailable):
        find(one)
    one.root.mkdir()
    with pytest.raises(StorageUnavailable):
        find(one)


def test_as_many_files_as_an_answer_names_are_found_and_not_one_more(
    one: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILES_MAX", 2)
    one.settle()
    for number in (1, 2):
        write(day(one) / f"{number}.parquet", spans(1))
    assert len(find(one)) == 2
    write(day(one) / "3.parquet", spans(1))
    with pytest.raises(StorageUnavailable):
        find(one)

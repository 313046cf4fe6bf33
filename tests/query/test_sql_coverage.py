"""A SELECT over the newest files, or over files that changed, says what it does not cover."""

from indexer.errors import FileChanged
from indexer.query.missing import Missing
from indexer.query.sql import Coverage
from indexer.query.sql_coverage import not_covered


def covered(*views: str, files: int = 3, missing: tuple[Missing, ...] = ()) -> Coverage:
    return Coverage(views=views, files=files, matching=3, missing=missing)


def said(coverage: Coverage | None, files_behind: int = 0) -> list[tuple[str, int | None]]:
    return [(one.reason.code, one.files) for one in not_covered(coverage, files_behind)]


def test_all_files_as_they_were_indexed_are_covered() -> None:
    assert said(None) == said(covered("spans")) == []


def test_each_thing_that_is_not_covered_is_counted() -> None:
    assert said(covered("spans", files=2), 4) == [("AttributesPending", 4), ("FilesNotRead", 1)]
    unread = Missing.of_error(FileChanged("it is another one"), "/spans/a.parquet")
    assert list(not_covered(covered("spans", missing=(unread,)), 0)) == [unread]


def test_the_views_are_named() -> None:
    one, two = (
        next(not_covered(covered(*views, files=2), 0)).detail
        for views in (("spans",), ("spans", "state_patches"))
    )
    assert one == "spans covers the newest 2 of 3 files"
    assert two == "spans and state_patches cover the newest 2 of 3 files"

"""A file between the hot tier and the index is read directly, or the answer says that it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from indexer.query import span as answered
from indexer.query.cost import CostAccount
from indexer.query.find.already_indexed import known_files
from indexer.query.find.span_query import SpanQuery
from indexer.query.find.trace_query import TraceQuery
from indexer.query.missing import TOO_MANY_RECENT_FILES, Missing
from indexer.query.payload import read_spans
from indexer.query.span import UNREADABLE
from indexer.query.tiers.recent_files import read_recent_files
from indexer.system.storage import LocalStorage
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, parquet_bytes, spans, write

TRACE = f"{1:032x}"


def ids(found: Iterable[answered.Span]) -> list[int]:
    return [int(span.span_id, 16) for span in found]


def codes(missing: Iterable[Missing]) -> list[str]:
    return [one.reason.code for one in missing]


def asked(
    one: Indexed, paths: list[Path], **options: object
) -> tuple[Sequence[answered.Span], tuple[Missing, ...]]:
    """The spans of the trace in those of the files that the index does not know."""
    storage, names = LocalStorage(one.root), [str(path) for path in paths]
    known = known_files(one.catalog.cursor(), storage, names)
    recent = read_recent_files(storage, [one for one in names if not known(one)], **options)
    found = recent.candidates(TraceQuery.of(TRACE))
    read = read_spans([recent], found.spans, CostAccount())
    return read.spans, (*found.missing, *read.missing)


@pytest.mark.duckdb
def test_a_flushed_file_that_is_not_indexed_yet_is_read_directly(tmp_path: Path) -> None:
    """And one that is indexed is left to the index."""
    with indexed(tmp_path) as one:
        old = write(one.root / "old.parquet", spans(2))
        one.settle()
        new = write(one.root / "new.parquet", [Span(span=3, attributes='{"a": 1}'), Span(trace=2)])
        found, missing = asked(one, [new, old])
        assert ids(found) == [3]
        assert found[0].payload.attributes == {"a": 1}
        assert found[0].source.path == str(new)
        assert missing == ()
        one.settle()
        assert asked(one, [new, old]) == ([], ())


@pytest.mark.duckdb
def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """And a protected file is not opened, whatever it is called."""
    with indexed(tmp_path) as one:
        cut = one.root / "cut.parquet"
        cut.write_bytes(parquet_bytes(spans(9))[:-5])
        folder = one.root / "folder.parquet"
        folder.mkdir()
        gone, outside = one.root / "gone.parquet", tmp_path / "x.parquet"
        found, missing = asked(one, [cut, gone, outside, folder])
        assert found == []
        assert codes(missing) == [
            "FooterUnreadable",
            "FileVanished",
            "FileUnreadable",
            "FileUnreadable",
        ]
        assert missing[0].file_path == str(cut)
        own = write(one.root / "own.parquet", spans(1))
        storage = LocalStorage(one.root)
        status = own.stat()
        storage.protected = frozenset({(status.st_dev, status.st_ino)})
        recent = read_recent_files(storage, [str(own)])
        assert recent.files == ()
        assert codes(recent.missing) == ["FileUnreadable"]


@pytest.mark.duckdb
def test_a_damaged_payload_leaves_the_metadata(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        plain = {"compression": "none", "use_dictionary": [], "write_statistics": False}
        content = bytearray(parquet_bytes([Span(attributes='{"marker": 1}')], **plain))
        content[content.index(b"marker")] ^= 0xFF
        path = one.root / "a.parquet"
        path.write_bytes(content)
        found, missing = asked(one, [path])
        assert ids(found) == [1]
        assert found[0].payload is UNREADABLE
        assert codes(missing) == ["CorruptPage"]


@pytest.mark.duckdb
def test_too_many_files_are_not_read_and_that_is_told(tmp_path: Path) -> None:
    with indexed(tmp_path) as one:
        paths = [write(one.root / f"{n}.parquet", [Span(span=n)]) for n in range(1, 6)]
        found, missing = asked(one, paths, files_max=3)
        assert sorted(ids(found)) == [1, 2, 3]
        detail = "2 files that are not indexed yet are not read"
        assert missing == (Missing(reason=TOO_MANY_RECENT_FILES, detail=detail),)


@pytest.mark.duckdb
def test_of_two_copies_the_one_counts_that_the_index_will_have(tmp_path: Path) -> None:
    """That of the smallest path, for a trace and for a list, whichever file is newer."""
    with indexed(tmp_path) as one:
        storage = LocalStorage(one.root)
        paths = [str(write(one.root / f"{name}.parquet", spans(1))) for name in "ba"]
        for query in (TraceQuery.of(TRACE), SpanQuery()):
            for order in (paths, paths[::-1]):
                found = read_recent_files(storage, order).candidates(query).spans
                assert found[0].source.path == str(one.root / "a.parquet")

"""Attributes taken out of files equal what Python's JSON says of the same values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import CorruptPage, FileUnreadable, FileVanished, IndexerError
from indexer.model import ParquetFileInfo
from indexer.read import promoted
from indexer.read.promoted import VALUE_CHARS_MAX, AttributeReader
from indexer.system.storage import LocalStorage
from tests.support.dialect_files import LAYOUTS, OtelSpan
from tests.support.examples import examples
from tests.support.span_files import Span, parquet_bytes, table, write

pytestmark = pytest.mark.duckdb

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
KEYS = st.sampled_from(["a", "a.b", "a/b", "~", "~1", 'a"b', "a'b", "$", "é", "*", "0"]) | TEXT
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT
VALUES = SCALARS | st.lists(st.integers(0, 9), max_size=2)


def read(folder: Path, *keys: str) -> list[tuple[int, str, str]]:
    """(row, key, value) of ``folder/a.parquet``."""
    storage = LocalStorage(folder)
    reader = AttributeReader()
    try:
        (values,) = reader.read(storage, [listed(storage)], keys)
    finally:
        reader.close()
    if isinstance(values, IndexerError):
        raise values
    return [
        (row, keys[key], value)
        for row, key, value in zip(
            values.row.tolist(), values.key.tolist(), values.value.to_pylist(), strict=True
        )
    ]


def listed(storage: LocalStorage) -> ParquetFileInfo:
    entry = storage.stat("a.parquet")
    assert entry is not None
    return entry.info


@examples(25)
@given(
    rows=st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=9),
    keys=st.lists(KEYS, min_size=1, max_size=4, unique=True),
)
def test_any_key_of_any_object_is_found(
    rows: list[dict[str, Any]], keys: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Dots, quotes, slashes and tildes in a key stand for themselves; null is absent."""
    folder = tmp_path_factory.mktemp("keys")
    texts = [json.dumps(row, ensure_ascii=False) for row in rows]
    write(folder / "a.parquet", [Span(trace=1, attributes=text) for text in texts])
    expected = [
        (number, key, value if isinstance(value, str) else json.dumps(value, separators=(",", ":")))
        for number, row in enumerate(rows)
        for key in keys
        if (value := row.get(key)) is not None
    ]
    assert read(folder, *keys) == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_values(layout: str, tmp_path: Path) -> None:
    """JSON text, maps and structs."""
    spans = [
        OtelSpan(
            trace_id=f"{number:032x}",
            span_id=f"{number:016x}",
            parent_span_id=None,
            service="shop",
            name="GET /",
            start=1_795_000_000_000_000_000,
            duration=1000,
            kind=2,
            status=0,
            message=None,
            attributes=attributes,
            resource={"service.name": "shop"},
            events=(),
            links=(),
        )
        for number, attributes in enumerate(
            ({"error.type": "timeout", "b": "1"}, {"b": "2"}, {"error.type": ""}), 1
        )
    ]
    write(tmp_path / "a.parquet", LAYOUTS[layout][2](spans))
    values = [row for row in read(tmp_path, "error.type", "absent") if row[2]]
    assert values == [(0, "error.type", "timeout")]


def test_batches_join_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row numbers go on from one batch to the next."""
    monkeypatch.setattr(promoted, "READ_ROWS", 3)
    rows = [Span(span=n, attributes=f'{{"k":{n}}}' if n % 2 else "{}") for n in range(1, 9)]
    write(tmp_path / "a.parquet", rows, row_group_size=5)
    assert read(tmp_path, "k") == [(0, "k", "1"), (2, "k", "3"), (4, "k", "5"), (6, "k", "7")]


def test_what_is_no_json_object_has_no_attributes(tmp_path: Path) -> None:
    """Text, a list and a broken document between two sound rows."""
    texts = ['{"k":"a"}', "plain", '["k"]', '{"k":', '"k"', '{"k":"b"}']
    write(tmp_path / "a.parquet", [Span(attributes=text) for text in texts])
    assert read(tmp_path, "k") == [(0, "k", "a"), (5, "k", "b")]


def test_rows_without_a_trace_id_give_nothing(tmp_path: Path) -> None:
    """They are no spans, and no trace could carry their flag."""
    content = table([Span(attributes='{"k":1}'), Span(attributes='{"k":2}')])
    ids = pa.array(["0" * 32, f"{5:032X}"])
    write(tmp_path / "a.parquet", content.set_column(1, content.schema.field(1), ids))
    assert read(tmp_path, "k") == [(1, "k", "2")]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    """After the limit, in characters."""
    write(tmp_path / "a.parquet", [Span(attributes=json.dumps({"k": "é" * 5000}))])
    assert read(tmp_path, "k") == [(0, "k", "é" * VALUE_CHARS_MAX)]


def test_a_file_without_the_column_has_no_values(tmp_path: Path) -> None:
    """Nothing is there, and nothing is wrong."""
    write(tmp_path / "a.parquet", table([Span()]).drop_columns(["attributes"]))
    assert read(tmp_path, "k") == []


def test_no_keys_no_values(tmp_path: Path) -> None:
    """The setting may be empty."""
    write(tmp_path / "a.parquet", [Span(attributes='{"k":1}')])
    assert read(tmp_path) == []


def test_a_flipped_byte_in_the_attributes_is_refused(tmp_path: Path) -> None:
    """The page's checksum tells; the metadata columns need not know."""
    marked = json.dumps({"k": "x" * 64})
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    content = bytearray(parquet_bytes([Span(attributes=marked)], **options))
    content[content.index(b"x" * 64) + 7] ^= 1
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(CorruptPage):
        read(tmp_path, "k")


def test_a_file_that_is_damaged_further_on_gives_nothing_and_takes_none_down(
    tmp_path: Path,
) -> None:
    """Its first rows were taken apart already, and files beside it are in the same query."""
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    texts = ['{"k":"sound"}', json.dumps({"k": "x" * 64})]
    content = parquet_bytes([Span(attributes=one) for one in texts], row_group_size=1, **options)
    damaged = bytearray(content)
    damaged[content.index(b"x" * 64) + 7] ^= 1
    for name, written in (("a", content), ("b", damaged), ("c", content)):
        (tmp_path / f"{name}.parquet").write_bytes(written)
    storage = LocalStorage(tmp_path)
    infos = [entry.info for n in "abc" if (entry := storage.stat(f"{n}.parquet")) is not None]
    reader = AttributeReader()
    first, refusal, last = reader.read(storage, infos, ("k",))
    reader.close()
    assert isinstance(refusal, CorruptPage)
    for one in (first, last):
        assert not isinstance(one, IndexerError)
        assert one.value.to_pylist() == ["sound", "x" * 64]


def test_a_file_that_went_meanwhile_is_no_refusal(tmp_path: Path) -> None:
    """It is the sweep's business."""
    write(tmp_path / "a.parquet", [Span()])
    storage = LocalStorage(tmp_path)
    info = listed(storage)
    (tmp_path / "a.parquet").unlink()
    reader = AttributeReader()
    (refusal,) = reader.read(storage, [info], ("k",))
    reader.close()
    assert isinstance(refusal, FileVanished)


def test_a_bad_file_does_not_take_its_group_down(tmp_path: Path) -> None:
    """Values before and after it are those of the files they are in."""
    for name, value in (("a", "1"), ("b", "2"), ("c", "3")):
        write(tmp_path / f"{name}.parquet", [Span(attributes=f'{{"k":{value}}}')] * 2)
    storage = LocalStorage(tmp_path)
    infos = [entry.info for n in "abc" if (entry := storage.stat(f"{n}.parquet")) is not None]
    (tmp_path / "b.parquet").unlink()
    reader = AttributeReader()
    first, gone, last = reader.read(storage, infos, ("k",))
    reader.close()
    assert isinstance(gone, FileVanished)
    assert not isinstance(first, IndexerError)
    assert not isinstance(last, IndexerError)
    assert (first.value.to_pylist(), last.value.to_pylist()) == (["1", "1"], ["3", "3"])


def test_a_letter_of_a_key_may_be_spelt_by_its_number(tmp_path: Path) -> None:
    """An escape in JSON stands for the letter."""
    texts = [r'{"error\u002etype":"a"}', '{"x":"error.type"}', "{}"]
    write(tmp_path / "a.parquet", [Span(attributes=text) for text in texts])
    assert read(tmp_path, "error.type") == [(0, "error.type", "a")]


def test_text_that_is_not_utf8_is_no_json(tmp_path: Path) -> None:
    """Its row has no attributes; the rows beside it do."""
    odd = pa.array([b'{"k":"\xff"}', b'{"k":"b"}'], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 2, odd.buffers())
    content = table([Span(), Span(span=2)])
    write(tmp_path / "a.parquet", content.set_column(11, content.schema.field(11), text))
    assert read(tmp_path, "k") == [(1, "k", "b")]


def test_what_is_taken_apart_in_pieces_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the rows, however heavy they are."""
    texts = [f'{{"k":"{n}","other":"{"x" * n}"}}' if n % 3 else "{}" for n in range(50)]
    write(tmp_path / "a.parquet", [Span(attributes=text) for text in texts])
    whole = read(tmp_path, "k", "other")
    assert len(whole) > 60
    for size in (1, 1000):
        monkeypatch.setattr(promoted, "PIECE_BYTES", size)
        assert read(tmp_path, "k", "other") == whole


def test_too_little_memory_is_no_fault_of_the_file(tmp_path: Path) -> None:
    """It is tried again, and not quarantined."""
    write(tmp_path / "a.parquet", [Span(attributes=f'{{"k":"{"x" * 1000}"}}')] * 3000)
    storage = LocalStorage(tmp_path)
    reader = AttributeReader(memory_limit="1MiB")
    (refusal,) = reader.read(storage, [listed(storage)], ("k",))
    assert isinstance(refusal, FileUnreadable)
    assert refusal.path == "a.parquet"
    rows = pa.table({"id": ["0" * 31 + "1"] * 3000, "text": [f'{{"k":"{"x" * 1000}"}}'] * 3000})
    with pytest.raises(FileUnreadable):
        reader.of_rows(rows["id"], rows["text"], ("k",))
    reader.close()

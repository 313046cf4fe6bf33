"""What lies beside the data of a block is a part of it, and of no other file."""

import pyarrow as pa
import pytest

from indexer.errors import FileFault
from indexer.parquet.footer import footer_digest
from indexer.read.block_meta import META_BYTES_MAX, file_digest, read_meta
from indexer.system.storage import LocalStorage
from tests.support.tempo_blocks import META, resource, span, trace, write_block


def test_a_file_by_another_name_has_nothing_beside_it(tmp_path):
    path = write_block(tmp_path, [trace(1, [resource([[span(1)]])])])
    storage, source = LocalStorage(tmp_path), pa.BufferReader(path.read_bytes())
    assert read_meta(storage, "other.parquet") is None
    assert file_digest(storage, source, "other.parquet") == footer_digest(source, "other.parquet")
    assert file_digest(storage, source, "data.parquet") != footer_digest(source, "data.parquet")


def test_a_block_that_a_newer_one_replaces_keeps_its_names(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "meta.compacted.json").write_text("{}")
    assert read_meta(LocalStorage(tmp_path), "a/data.parquet") == b"{}"
    (tmp_path / "a" / META).mkdir()
    assert read_meta(LocalStorage(tmp_path), "a/data.parquet") == b"{}"


def test_a_meta_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / META).open("wb") as file:
        file.truncate(META_BYTES_MAX + 1)
    with pytest.raises(FileFault, match="limit 1048576"):
        read_meta(LocalStorage(tmp_path), "data.parquet")

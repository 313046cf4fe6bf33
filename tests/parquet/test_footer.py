"""A readable footer is the proof that a file is finished; anything less is refused by name."""

from hashlib import blake2b

import pyarrow as pa
import pytest

from indexer.errors import FileEncrypted, FooterUnreadable
from indexer.parquet.file_columns import read_footer
from indexer.parquet.footer import FOOTER_BYTES_MAX, footer_digest
from tests.support.span_files import parquet_bytes, spans

WHOLE = parquet_bytes(spans(6), row_group_size=2)


def footer_of(content):
    return read_footer(pa.BufferReader(content), "a.parquet")


def claims(length):
    """A file whose tail claims a footer of this many bytes."""
    return WHOLE[:-8] + length.to_bytes(4, "little") + b"PAR1"


def test_the_footer_says_what_is_in_the_file():
    footer = footer_of(WHOLE)
    assert (footer.row_count, footer.row_group_count) == (6, 3)
    assert footer.columns[:3] == ("span_id", "trace_id", "parent_span_id")


def test_the_digest_is_of_the_footer_bytes_alone():
    length = int.from_bytes(WHOLE[-8:-4], "little")
    expected = blake2b(WHOLE[-8 - length : -8], digest_size=16).hexdigest()
    assert footer_of(WHOLE).footer_digest == expected
    assert footer_digest(pa.BufferReader(WHOLE), "a.parquet") == expected


def test_other_spans_have_another_footer():
    """A rewrite of the same size in the same tick of the clock shows in the statistics."""
    other = parquet_bytes(spans(6, trace=2), row_group_size=2)
    assert footer_of(other).footer_digest != footer_of(WHOLE).footer_digest


def test_a_file_without_rows_has_a_footer():
    assert footer_of(parquet_bytes([])).row_count == 0


def test_a_file_that_was_cut_anywhere_is_refused():
    """What a crash leaves behind, and what a writer at work shows."""
    for length in range(len(WHOLE)):
        with pytest.raises(FooterUnreadable):
            footer_of(WHOLE[:length])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "0 bytes, too few", id="empty"),
        pytest.param(b"PAR1PAR1", "8 bytes, too few", id="two magic words"),
        pytest.param(b"a,b,c\n1,2,3\n4,5,6\n", "does not end in PAR1", id="CSV"),
        pytest.param(b"\0" * 4096, "does not end in PAR1", id="a hole"),
        pytest.param(claims(0), "claims 0 bytes", id="a footer of nothing"),
        pytest.param(claims(len(WHOLE)), "claims", id="a footer as long as the file"),
        pytest.param(claims(2**32 - 1), "claims 4294967295 bytes", id="a footer of 4 GiB"),
        pytest.param(claims(2**31), "claims 2147483648 bytes", id="a footer of 2 GiB"),
        pytest.param(claims(1), None, id="a footer of one byte"),
        pytest.param(WHOLE[:-8] + WHOLE[-8:] * 2, None, id="two tails"),
    ],
)
def test_what_is_no_footer_is_refused_with_its_reason(content, reason):
    with pytest.raises(FooterUnreadable, match=reason) as refusal:
        footer_of(content)
    assert refusal.value.path == "a.parquet"
    assert refusal.value.message


def test_a_footer_beyond_all_reason_is_not_read(tmp_path):
    """A sparse file costs nothing on disk; it must cost no memory here either."""
    length = FOOTER_BYTES_MAX + 1
    with (tmp_path / "a.parquet").open("wb") as file:
        file.truncate(length + 4096)
        file.seek(0, 2)
        file.write(length.to_bytes(4, "little") + b"PAR1")
    with (
        pa.OSFile(str(tmp_path / "a.parquet")) as source,
        pytest.raises(FooterUnreadable, match=f"claims {length} bytes"),
    ):
        read_footer(source, "a.parquet")


def test_a_negative_row_count_is_refused():
    """Row counts go into sums; Thrift writes -1 as the byte 01."""
    content = parquet_bytes(spans(1))
    number_of_rows = b"\x16\x02\x19"  # field 3 of FileMetaData: i64, 1 as zigzag, then the groups
    assert content.count(number_of_rows) == 1
    with pytest.raises(FooterUnreadable, match="negative row count"):
        footer_of(content.replace(number_of_rows, b"\x16\x01\x19"))


def test_an_encrypted_footer_is_named_as_encrypted():
    with pytest.raises(FileEncrypted, match="the footer is encrypted"):
        footer_of(WHOLE[:-4] + b"PARE")

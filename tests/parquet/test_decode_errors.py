"""Everything pyarrow may raise becomes one of this program's facts, and the right one.

Refusing a sound file because the volume had a bad moment would take its spans out of the index;
retrying a damaged one for ever would hide it.
"""

import errno
import os

import pyarrow as pa
import pytest

from indexer.errors import (
    CorruptPage,
    EncodingUnsupported,
    FileChanged,
    FileTooLarge,
    FileUnreadable,
    FooterUnreadable,
    IndexerError,
    NotSpans,
)
from indexer.parquet.decode_errors import decoding
from indexer.parquet.file_columns import read_footer
from tests.support.span_files import parquet_bytes, spans


class FailingVolume:
    """A file whose bytes cannot be read, as Python's file interface shows it."""

    def __init__(self, content, error):
        self._file = pa.BufferReader(content)
        self._error = error
        self.closed = False

    def read(self, count=-1):
        raise self._error

    def seek(self, *place):
        return self._file.seek(*place)

    def tell(self):
        return self._file.tell()

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    "raised",
    [
        pa.ArrowNotImplementedError("Unsupported encoding"),
        OSError("Not yet implemented: DecodeArrow of DictAccumulator"),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_bytes_of_an_unknown_encoding_are_not_damaged(raised):
    with pytest.raises(EncodingUnsupported) as refusal, decoding("day/a.parquet"):
        raise raised
    assert refusal.value.path == "day/a.parquet"


@pytest.mark.parametrize(
    "raised",
    [
        OSError("Corrupt snappy compressed data."),
        OSError("could not verify page integrity, CRC checksum verification failed for page"),
        pa.ArrowInvalid("Parquet magic bytes not found"),
        pa.ArrowCapacityError("array cannot contain more than 2147483646 bytes"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        KeyError("no such column"),
        IndexError("row group index out of range"),
        OverflowError("value too large"),
        TypeError("unexpected type"),
    ],
    ids=lambda raised: type(raised).__name__,
)
def test_bytes_that_will_not_do_are_a_corrupt_page(raised):
    with pytest.raises(CorruptPage) as refusal, decoding("day/a.parquet"):
        raise raised
    assert refusal.value.path == "day/a.parquet"
    assert refusal.value.__cause__ is raised


def test_the_caller_says_what_the_refusal_is_called():
    with pytest.raises(FooterUnreadable), decoding("a.parquet", refusal=FooterUnreadable):
        raise pa.ArrowInvalid("Couldn't deserialize thrift")


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.ENOMEM])
def test_bytes_that_cannot_be_had_now_are_tried_again(number):
    with pytest.raises(FileUnreadable, match=os.strerror(number)), decoding("a.parquet"):
        raise OSError(number, os.strerror(number))


def test_a_volume_that_fails_under_pyarrow_is_no_damaged_file():
    volume = FailingVolume(parquet_bytes(spans(3)), OSError(errno.EIO, os.strerror(errno.EIO)))
    with pytest.raises(FileUnreadable, match=os.strerror(errno.EIO)):
        read_footer(pa.PythonFile(volume, "r"), "a.parquet")


@pytest.mark.parametrize("raised", [MemoryError(), pa.ArrowMemoryError("malloc of size 9 failed")])
def test_a_file_that_needs_too_much_memory_is_too_large(raised):
    with pytest.raises(FileTooLarge), decoding("a.parquet"):
        raise raised


@pytest.mark.parametrize("raised", [NotSpans("no"), FileChanged("moving"), IndexerError("own")])
def test_a_fact_of_our_own_stays_what_it_is(raised):
    with pytest.raises(IndexerError) as refusal, decoding("a.parquet"):
        raise raised
    assert refusal.value is raised


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), AssertionError("a bug of ours")])
def test_what_does_not_come_from_the_file_is_not_blamed_on_it(raised):
    with pytest.raises(type(raised)), decoding("a.parquet"):
        raise raised


def test_the_message_is_one_line_of_bounded_length():
    with pytest.raises(CorruptPage) as refusal, decoding("a.parquet"):
        raise ValueError("x" * 10_000 + "\nand a stack of C++")
    assert refusal.value.message == "x" * 500


def test_an_error_without_a_message_is_named_by_its_class():
    with pytest.raises(CorruptPage, match="OverflowError"), decoding("a.parquet"):
        raise OverflowError


def test_nothing_happens_to_work_that_succeeds():
    with decoding("a.parquet"):
        done = True
    assert done

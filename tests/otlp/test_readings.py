"""What a connection has open is bounded, and what a compressed file inflates to is too."""

import gzip

import pytest

from indexer.errors import OtlpFileTooLarge
from indexer.otlp.files.paths import FileAccess
from indexer.otlp.files.scan import GROUP_BYTES
from indexer.otlp.sql import readings as module
from indexer.otlp.sql.readings import Readings
from tests.support.otlp_samples import FOLDER, samples

TRACES = str(FOLDER / "traces_simple.jsonl")


def begin(readings, path):
    return readings.begin(str(path), "traces", "skip", None, 0)


@pytest.fixture
def readings():
    return Readings(FileAccess(None))


def rows(batches):
    return sum(batch.num_rows for batch in batches)


def test_a_group_can_be_asked_for_again(readings):
    spec = begin(readings, TRACES)
    assert [rows(readings.group(spec, number)) for number in (0, 0, 1, 1, 0)] == [3, 3, 0, 0, 3]


def test_files_that_are_open_are_bounded(readings, monkeypatch):
    monkeypatch.setattr(module, "OPEN_MAX", 2)
    specs = [begin(readings, TRACES) for _ in range(5)]
    assert [rows(readings.group(spec, 0)) for spec in specs] == [3] * 5
    assert len(readings._open) == 2
    assert rows(readings.group(specs[0], 0)) == 3


def test_the_newest_readings_are_remembered(readings):
    for _ in range(3):
        readings.group(begin(readings, TRACES), 0)
    assert [number for number, _ in readings.stats()] == [1, 2, 3]


def test_a_file_that_inflates_too_far_ends_with_an_error(readings, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "INFLATED_BYTES_MAX", GROUP_BYTES)
    line = samples()["traces_simple.jsonl"]
    padded = line.rstrip()[:-1] + b', "pad": "' + b"x" * (GROUP_BYTES // 2) + b'"}\n'
    (tmp_path / "a.gz").write_bytes(gzip.compress(padded * 7))
    spec = begin(readings, tmp_path / "a.gz")
    with pytest.raises(OtlpFileTooLarge, match="inflates to more than"):
        [readings.group(spec, number) for number in range(spec.groups + 1)]

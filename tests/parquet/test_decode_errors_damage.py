"""Damaged files are refused or read as what they are; none ends the process, hangs it or lies.

Every series of mutations comes from one seed, which a failure names: with ``SPAN_TEST_SEED`` set
to it the same bytes are damaged again. ``--soak`` runs many more.
"""

import json
import os
import random
import subprocess
import sys
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from indexer.errors import CorruptPage, FileError
from indexer.read.dialect_document import dialects
from indexer.read.metadata import batch, read_file
from indexer.read.payload import read_payload
from tests.read.damage import (
    FILES,
    INDEXED,
    LEVELS_OF_NULLABLE,
    NEIGHBOUR,
    PLACES,
    Outcome,
    payload,
    sound,
)
from tests.read.parquet_pages import pages
from tests.read.read_back import put, read_back, read_bytes, values, with_columns
from tests.support.span_files import parquet_bytes, spans

PROJECT = Path(__file__).parents[2]
EVERY_FILE = sorted(FILES)
CHECKED = [name for name in EVERY_FILE if not name.startswith("unchecked")]
SERIES_S_MAX = 100
SEED = os.environ.get("SPAN_TEST_SEED") or str(random.randrange(2**31))


@pytest.fixture(scope="module")
def series(tmp_path_factory, soak):
    """Damage a file in every place, in a process of its own, once a question and file."""
    count = 5000 if soak else 12
    folder = str(tmp_path_factory.mktemp("damage"))

    @cache
    def run(question, file):
        ended = subprocess.run(
            [sys.executable, "-m", "tests.read.damage", question, file, SEED, str(count), folder],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=SERIES_S_MAX * (len(PLACES[question]) if soak else 1),
        )
        return ended, [json.loads(line) for line in ended.stdout.splitlines()], count

    return run


@pytest.fixture
def damage(series):
    """The outcomes of one place, all of them."""

    def run(file, place, question="index"):
        print(f"SPAN_TEST_SEED={SEED}")
        ended, lines, count = series(question, file)
        assert ended.returncode == 0, f"{file}, {lines[-1:]}: {ended.stderr[-2000:]}"
        found = [line for line in lines if line["place"] == place and "refusals" in line]
        assert len(found) == (1 if place == "histograms" else count)
        outcomes = [Outcome(**line) for line in found]
        assert not [outcome for outcome in outcomes if outcome.surprises]
        return outcomes

    return run


@pytest.mark.parametrize("place", ["anywhere", "footer", "indexed pages"])
@pytest.mark.parametrize("file", EVERY_FILE)
def test_damage_that_is_not_seen_costs_no_row_and_no_other_file(damage, tmp_path, file, place):
    """As in a footer that still makes sense, or a page without a checksum."""
    neighbour = read_back(tmp_path, NEIGHBOUR).content_digest
    for outcome in damage(file, place):
        assert outcome.neighbour in {neighbour, None}, outcome
        assert outcome.rows is None or outcome.rows[0] == outcome.rows[1], outcome


@pytest.mark.parametrize("file", CHECKED)
def test_damage_inside_a_page_with_a_checksum_is_never_indexed(damage, file):
    for outcome in damage(file, "indexed pages"):
        assert outcome.refusals.get("index", "").startswith("CorruptPage"), outcome


@pytest.mark.parametrize("file", CHECKED)
def test_damage_inside_a_page_with_a_checksum_is_always_seen_by_the_audit(damage, file):
    for outcome in damage(file, "other pages"):
        assert outcome.refusals.get("audit", "").startswith("CorruptPage"), outcome


@pytest.mark.parametrize("file", EVERY_FILE)
def test_damage_in_the_payload_does_not_change_what_is_indexed(damage, tmp_path, file):
    expected = read_bytes(tmp_path, sound(file)).content_digest
    for outcome in damage(file, "other pages"):
        assert outcome.digest == expected, outcome


@pytest.mark.parametrize("place", ["anywhere", "headers", "other pages"])
@pytest.mark.parametrize("file", EVERY_FILE)
def test_a_payload_that_is_asked_for_is_answered_or_refused_by_name(damage, file, place):
    for outcome in damage(file, place, "payload"):
        assert (outcome.payload is None) == ("payload" in outcome.refusals), outcome


@pytest.mark.parametrize("file", CHECKED)
def test_damage_inside_a_page_with_a_checksum_is_never_answered(damage, tmp_path, file):
    """The rows that were asked for are right, or there is no answer from this file."""
    expected = payload(tmp_path, sound(file))["payload"]
    for outcome in damage(file, "other pages", "payload"):
        assert outcome.payload in {expected, None}, outcome


@pytest.mark.parametrize("file", EVERY_FILE)
def test_the_sound_file_is_read(tmp_path, file):
    """Else all of the above would hold for nothing."""
    read = read_bytes(tmp_path, sound(file))
    assert (len(read.spans), read.rejected_spans, read.clamped_values) == (40, 0, 0)
    assert {page.column for page in pages(sound(file))} >= set(INDEXED)
    assert {page.has_checksum for page in pages(sound(file))} == {file in CHECKED}


@pytest.mark.parametrize("question", ["index", "payload"])
@pytest.mark.parametrize("file", EVERY_FILE)
def test_a_footer_with_impossible_statistics_does_not_end_the_process(damage, file, question):
    """One flipped bit makes it; C++ answers some questions about it with ``terminate``."""
    assert LEVELS_OF_NULLABLE.search(sound(file))
    damage(file, "histograms", question)


def with_code(folder, column, code):
    """A file in which every row refers to this entry of the column's dictionary of forty."""
    digits = {"trace_id": 32, "attributes": 20}.get(column, 16)
    texts = pa.array([f"{number:0{digits}x}" for number in range(1, 41)]).dictionary_encode()
    content = parquet_bytes(
        with_columns(spans(40), **{column: texts}), write_page_checksum=False, compression="none"
    )
    page = [page for page in pages(content) if page.column == column][-1]
    all_present = (2).to_bytes(4, "little") + bytes([40 << 1, 1])  # length, a run of 40 ones
    codes = bytes([32, 40 << 1]) + code.to_bytes(4, "little")  # bits, a run of 40 such codes
    body = (all_present + codes).ljust(page.size, b"\0")
    return put(folder, content[: page.body_start] + body + content[page.body_end :])


def test_a_text_may_refer_to_the_last_entry_of_its_dictionary(tmp_path):
    """So the next tests refuse the entry, and not the way it is written."""
    file = batch([read_file(*with_code(tmp_path, "name", 39))]).files[0]
    assert set(values(file, "name")) == {f"{40:016x}"}


@pytest.mark.parametrize("code", [40, 41, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1])
@pytest.mark.parametrize("column", ["name", "service_name"])
def test_a_text_that_refers_beyond_its_dictionary_is_refused(tmp_path, column, code):
    """Let into a batch, it reads memory that is not the file's, and may end the process."""
    with pytest.raises(CorruptPage):
        read_file(*with_code(tmp_path, column, code))


@pytest.mark.parametrize("column", ["trace_id", "span_id", "parent_span_id"])
def test_an_id_that_refers_beyond_its_dictionary_is_refused(tmp_path, column):
    with pytest.raises(CorruptPage):
        read_file(*with_code(tmp_path, column, 40))


def test_payload_that_refers_beyond_its_dictionary_is_refused(tmp_path):
    (dialect,) = [dialect for dialect in dialects() if dialect.name == "junjo-14"]
    with pytest.raises(CorruptPage):
        read_payload(*with_code(tmp_path, "attributes", 40), dialect, [0, 1, 2])


def test_a_footer_that_claims_other_rows_than_there_are_is_refused(tmp_path):
    """One flipped bit there, and a third of the spans would be missing without a word."""
    content = parquet_bytes(spans(1))
    number_of_rows = b"\x16\x02\x19"  # field 3 of FileMetaData: i64, 1 as zigzag, then the groups
    assert content.count(number_of_rows) == 1
    with pytest.raises(FileError):
        read_bytes(tmp_path, content.replace(number_of_rows, b"\x16\x04\x19"))

"""A span is the same span in every dialect, layout and encoding that a file of it can have.

Files are drawn with their spans; see ``tests/support/drawn``. Damaged ones are refused by name or
read as far as they go.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.group import GroupRead, read_group
from indexer.system.storage import LocalStorage
from tests.support.drawn.files import DIALECTS, DrawnFile, span_files
from tests.support.examples import examples
from tests.support.file_spans import WRITERS, spans_of
from tests.writers.damaged_layouts import NAMES, damaged, outcome

PROJECT = Path(__file__).parents[2]
SEED = os.environ.get("SPAN_TEST_SEED") or str(random.randrange(2**31))


@contextmanager
def root_of(files: Sequence[DrawnFile]) -> Iterator[Path]:
    """A folder with the files in it."""
    with tempfile.TemporaryDirectory(prefix="drawn-") as folder:
        for file in files:
            file.put(Path(folder))
        yield Path(folder)


def grouped(root: Path, files: Sequence[DrawnFile]) -> GroupRead:
    storage = LocalStorage(root)
    entries = [storage.stat(file.path) for file in files]
    return read_group(storage, [entry.info for entry in entries if entry is not None], 1_000)


@pytest.mark.parametrize("dialect", DIALECTS)
@examples(10)
@given(data=st.data())
def test_a_file_has_the_spans_that_were_written(dialect: str, data: st.DataObject) -> None:
    file = data.draw(span_files(dialect))
    with root_of([file]) as root:
        found: list[dict[str, Any]] = spans_of(root, file.path)
    assert len(found) == len(file.spans)
    for span, right in zip(found, file.spans, strict=True):
        assert {name: span[name] for name in right} == right


@examples(10)
@given(st.tuples(*(span_files(folder=f"{number}/") for number in range(3))))
def test_no_file_changes_what_is_indexed_of_another(files: tuple[DrawnFile, ...]) -> None:
    """Files of any dialects are read together as they are read alone."""
    with root_of(files) as root:
        together = [file for one in grouped(root, files).batches for file in one.files]
        alone = [grouped(root, [file]).batches[0].files[0] for file in files]
    assert [file.content_digest for file in together] == [file.content_digest for file in alone]
    assert [(file.dialect, file.rejected_spans) for file in together] == [
        (file.dialect, file.rejected) for file in files
    ]


def test_damaged_files_of_every_layout_are_refused_by_name(tmp_path: Path, soak: bool) -> None:
    """Or read as what they still say; none ends the process, and nothing unnamed is raised."""
    count = 2_000 if soak else 40
    print(f"SPAN_TEST_SEED={SEED}")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.writers.damaged_layouts", SEED, str(count), str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=3_000 if soak else 100,
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0, f"{lines[-1:]}: {ended.stderr[-2000:]}"
    done = [line for line in lines if "outcome" in line]
    assert [line for line in done if line["outcome"].startswith("surprise")] == []
    assert Counter(line["file"] for line in done) == dict.fromkeys(NAMES, count)


def test_damaged_statistics_of_a_column_chunk_do_not_end_the_process(tmp_path: Path) -> None:
    """Where pyarrow 26 is asked for a chunk of such a file, they do."""
    name, seed, number = "tempo-vparquet5/data.parquet", "1981386348", 25
    shutil.copy((WRITERS / name).with_name("meta.json"), tmp_path)
    content, damage = damaged((WRITERS / name).read_bytes(), f"{seed} {name}", number)
    assert damage == "swap: 477 bytes at 28751 and at 38968 swapped"
    assert not outcome(tmp_path, "data.parquet", content).startswith("surprise")

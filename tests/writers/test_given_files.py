"""Files of other writers, each with the spans that are right, read as the worker and a trace do.

``tests/data/writers`` holds one folder a kind. They were written by the libraries that these
writers use, or are a known dialect with one thing changed.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from indexer.errors import FileEncrypted, IndexerError, InvalidIds
from indexer.read.group import read_group
from indexer.system.storage import LocalStorage
from tests.support.file_spans import WRITERS, differences, known_attributes, spans_of

BY_KEY = ("langfuse", "langsmith")
"""Writers with attributes of their own beside the given ones."""


def given() -> list[tuple[str, list[dict[str, Any]]]]:
    """(file, its spans) of every file whose spans are given."""
    found = []
    for told in sorted(WRITERS.rglob("*expected.json")):
        document = json.loads(told.read_text())
        own = told.name.removesuffix(".expected.json")
        named = [document["file"].removesuffix(".parquet")] if "file" in document else [own]
        for name in document.get("files", named):
            path = (told.parent / f"{name}.parquet").relative_to(WRITERS)
            found.append((str(path), document["spans"]))
    return found


@pytest.mark.parametrize(
    ("path", "spans"), given(), ids=lambda one: one if isinstance(one, str) else ""
)
def test_the_spans_of_a_file_are_the_given_ones(path: str, spans: list[dict[str, Any]]) -> None:
    counts = path.startswith("counts-not-said")
    found = spans_of(WRITERS, path)
    if path.startswith(BY_KEY):
        found = known_attributes(found, spans)
    assert differences(found, _known(path, spans), counts=counts) == []


def _known(path: str, spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a layout cannot say is not judged."""
    lacking = {"links", "scope_name", "scope_version", "trace_state"} if "junjo" in path else set()
    return [{name: span[name] for name in span if name not in lacking} for span in spans]


def refusal(path: str) -> IndexerError:
    storage = LocalStorage(WRITERS)
    entry = storage.stat(path)
    assert entry is not None
    ((_, error),) = read_group(storage, [entry.info], 1_000).refused
    return error


def test_a_file_without_one_valid_id_is_refused_with_an_example() -> None:
    error = refusal("ids/no-row-has-an-id.parquet")
    assert isinstance(error, InvalidIds)
    assert "trace_id '594561017196745703', span_id '0'" in error.message


def test_uuids_in_place_of_span_ids_are_refused_with_an_example() -> None:
    """Nothing says which half of an early UUID of Phoenix its parents name."""
    error = refusal("phoenix-uuid-ids/spans.parquet")
    assert isinstance(error, InvalidIds)
    assert re.search(r"span_id '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'", error.message)


@pytest.mark.parametrize("name", ["encrypted-footer", "plaintext-footer-all-columns"])
def test_an_encrypted_file_is_refused_as_encrypted(name: str) -> None:
    error = refusal(f"encrypted/{name}.parquet")
    assert isinstance(error, FileEncrypted)
    assert "damage" not in error.advice


def test_a_file_with_an_encrypted_payload_has_its_metadata() -> None:
    storage = LocalStorage(WRITERS)
    entry = storage.stat("encrypted/plaintext-footer-payload-only.parquet")
    assert entry is not None
    (one,) = read_group(storage, [entry.info], 1_000).batches
    assert len(one.columns) == 6
    with pytest.raises(FileEncrypted, match="encrypted columns: attributes, events"):
        spans_of(WRITERS, entry.info.relative_path)

"""Every reason why an answer is incomplete is declared once, and says what to do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import indexer
from indexer import errors
from indexer.query import missing
from indexer.query.missing import REASONS, UNREADABLE_FILES, Missing, Reason
from indexer.settings import Settings

PACKAGE = Path(indexer.__file__).parent
DECLARED = {name for name, value in vars(missing).items() if isinstance(value, Reason)}


def test_a_code_is_declared_once() -> None:
    codes = [reason.code for reason in REASONS]
    assert len(codes) == len(set(codes))
    assert {vars(missing)[name] for name in DECLARED} <= set(REASONS)


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.code)
def test_a_reason_says_what_it_means_and_what_to_do(reason: Reason) -> None:
    assert reason.meaning.endswith(".")
    assert reason.action.endswith(".")
    settings = {one.variable for one in Settings.fields.values()}
    assert set(re.findall(r"IN[A-Z]+_[A-Z_]+", reason.action)) <= settings


@pytest.mark.parametrize("kind", errors.FileError.__subclasses__())
def test_a_file_that_cannot_be_read_is_a_reason_by_the_name_of_its_error(
    kind: type[errors.FileError],
) -> None:
    lack = Missing.of_error(kind("why", path="a.parquet"), "/spans/a.parquet")
    assert lack.reason in UNREADABLE_FILES
    assert (lack.reason.code, lack.detail) == (kind.__name__, "why")
    assert lack.file_path == "/spans/a.parquet"


def test_no_other_module_makes_a_reason_or_spells_a_code() -> None:
    """Whoever finds that something is missing names the declared reason."""
    codes = {reason.code for reason in REASONS if not hasattr(errors, reason.code)}
    spelled = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path != Path(missing.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Constant) and node.value in codes)
        or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reason")
    ]
    assert spelled == []

"""The reference pages say what the code is now; `make reference` writes them."""

import re

import pytest

from docs.generate import FOLDER, PAGES
from tests.support.processes import REPOSITORY

pytestmark = pytest.mark.duckdb


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_makes_of_it(name):
    assert (FOLDER / name).read_text() == PAGES[name](), "run `make reference`"


def test_there_is_no_other_page():
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_every_page_is_named_in_the_readme():
    named = set(
        re.findall(r"docs/reference/([a-z]+\.(?:md|json))", (REPOSITORY / "README.md").read_text())
    )
    assert named == set(PAGES)


def test_every_table_says_what_it_is():
    sections = PAGES["catalog.md"]().split("\n## ")[1:]
    told = {section.split("\n")[0]: section.split("\n")[2] for section in sections}
    assert "span_metadata" in told
    assert [table for table, text in told.items() if not text] == ["schema_migrations"]

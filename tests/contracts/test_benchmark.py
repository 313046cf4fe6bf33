"""The benchmark can be started, and its page names every part: no other test runs it."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from tests import benchmark

OF_PEERS = {"encoders"}
"""Modules for an environment of their own."""


@pytest.mark.parametrize("name", sorted(one.name for one in iter_modules(benchmark.__path__)))
def test_every_module_can_be_loaded_and_says_what_it_is_for(name: str) -> None:
    if name not in OF_PEERS:
        assert import_module(f"tests.benchmark.{name}").__doc__


def test_the_page_names_every_part() -> None:
    parts = import_module("tests.benchmark.__main__").PARTS
    page = (Path(benchmark.__path__[0]) / "README.md").read_text()
    named = re.search(r"`--only NAME \.\.\.` picks from (.*?), and `--spans-max", page)
    assert named is not None
    assert set(re.findall(r"`([a-z-]+)`", named[1])) == set(parts)

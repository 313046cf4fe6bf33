"""What the package says of itself is so: its license is there, and its types are marked."""

from __future__ import annotations

import tomllib

from tests.support.processes import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_the_license_is_there_under_its_name() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    (name,) = PROJECT["license-files"]
    text = (REPOSITORY / name).read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]


def test_types_are_marked_where_they_are_claimed() -> None:
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (REPOSITORY / "indexer" / "py.typed").exists()

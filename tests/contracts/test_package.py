"""What the package says of itself is so: its license is there, and its types are marked."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from indexer.contracts import dialect_documents, migrations
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(REPOSITORY)).build(directory=str(folder))
    return Path(built)


def test_the_wheel_has_one_top_level_package_with_its_types_and_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.partition("/")[0] for name in names}
    (info,) = (name for name in top if name.endswith(".dist-info"))
    assert top == {"indexer", info}
    assert "indexer/py.typed" in names
    assert any(name.startswith(info) and name.endswith("LICENSE") for name in names)


def test_the_contracts_are_found_inside_of_an_installed_package(
    wheel: Path, tmp_path: Path
) -> None:
    """Shown by a Python that has the wheel's files and no checkout on its path."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import indexer.contracts as c; "
        "print(c.__file__, len(c.migrations()), len(c.dialect_documents()))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [
        str(tmp_path / "indexer" / "contracts.py"),
        len(migrations()),
        len(dialect_documents()),
    ]
    assert done.stdout.split() == [str(one) for one in found]

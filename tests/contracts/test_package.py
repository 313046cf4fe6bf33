"""What the package says of itself is so: its license is there, and its types are marked."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from indexer.contracts import dialect_documents, migrations
from tests.hot.servers import body
from tests.support.processes import REPOSITORY, Site, wait_until
from tests.support.span_files import Span
from tests.support.up import prepare, wait_hot, wait_receiving

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def test_the_license_is_there_under_its_name() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    (name,) = PROJECT["license-files"]
    text = (REPOSITORY / name).read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]


def test_types_are_marked_where_they_are_claimed() -> None:
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (REPOSITORY / "indexer" / "py.typed").exists()


def test_the_pythons_that_are_named_are_those_that_the_targets_run_tests_on() -> None:
    """3.11 by `make test`, the others by `make test-pythons`."""
    named = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if ":: 3." in one}
    (others,) = re.findall(
        r"^PYTHONS \?= (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE
    )
    assert named == {"3.11", *others.replace("python", "").split()}
    assert PROJECT["requires-python"] == ">=3.11"


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


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """The command of the wheel in a fresh environment, installed by pip.

    A test has no network, so what the wheel depends on is that of the running environment, which a
    ``.pth`` file names. pip takes it as installed, and refuses where a version does not suffice.
    """
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("platlib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", str(wheel)], check=True)
    return environment / "bin" / "span-indexer"


@pytest.mark.process
def test_the_installed_command_receives_a_span_and_finds_it_in_an_empty_folder(
    installed: Path, make_site: Callable[..., Site], tmp_path: Path
) -> None:
    """With the defaults of all settings but the ports; its data is below the folder alone."""
    folder = tmp_path / "empty"
    data = folder / ".dbdata"
    site = make_site(root=data / "spans", pointer=data / "duckdb" / "index.duckdb")
    ports = prepare(site)
    shutil.rmtree(data)
    assert os.listdir(folder) == []
    for name in ("JUNJO_SPAN_STORAGE_PATH", "JUNJO_DUCKDB_PATH", "INGESTION_WAL_PATH"):
        del site.env[name]
    site.env.pop("PYTHONPATH", None)
    running = site.start_command([str(installed), "up"], cwd=folder)
    wait_receiving(running)
    site.wait_ready(running)
    wait_hot(site)
    with closing(http.client.HTTPConnection("127.0.0.1", ports.http, timeout=60)) as connection:
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", "/v1/traces", body(Span(trace=7, span=1, name="order")), headers)
        assert connection.getresponse().status == 200
    asked = subprocess.run(
        [installed, "trace", f"{7:032x}"],
        cwd=folder,
        env=site.env,
        capture_output=True,
        encoding="utf-8",
    )
    assert asked.returncode == 0, asked.stderr
    assert "  1 span  " in asked.stdout
    assert "order" in asked.stdout
    assert site.end(running) == 0, running.err
    assert os.listdir(folder) == [".dbdata"]
    wait_until(lambda: list((data / "spans").rglob("*.parquet")), "the file of the last flush")

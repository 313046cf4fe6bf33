"""The contributor's page is true: its diffs apply to the code, and its commands say what it shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.processes import REPOSITORY

PAGE = (REPOSITORY / "docs" / "contributing.md").read_text()
FENCED = re.compile(r"^```(diff|python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")


def test_each_worked_example_works(tmp_path: Path) -> None:
    """In order, as somebody would follow the page in a checkout."""
    for room in ("indexer", "schemas"):
        shutil.copytree(REPOSITORY / room, tmp_path / room)
    (tmp_path / "spans").mkdir()
    steps = FENCED.findall(PAGE)
    assert {kind for kind, _ in steps} == {"diff", "python", "console"}
    for kind, text in steps:
        if kind == "diff":
            _apply(text, tmp_path)
        elif kind == "python":
            _run([sys.executable, "-"], tmp_path, text)
        else:
            _follow(text, tmp_path)


def test_each_link_leads_to_a_file() -> None:
    """Of the checkout."""
    for target in LINK.findall(PAGE):
        assert (REPOSITORY / "docs" / target).exists(), target


def _apply(diff: str, folder: Path) -> None:
    """Lines may have moved; what stands around the change may not have changed."""
    command = ["git", "apply", "--recount", "-"]
    done = _run(command, folder, diff)
    assert done.returncode == 0, f"{done.stdout}\n{diff}"


def _follow(text: str, folder: Path) -> None:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        done = _run(["/bin/bash", "-c", command], folder)
        said = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
        assert not done.returncode or shown, f"{command}: {done.stdout}"
        assert said == shown or not shown, f"{command}: {done.stdout}"


def _run(
    command: list[str], folder: Path, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    search = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return subprocess.run(
        command,
        cwd=folder,
        env={
            **kept,
            "PATH": os.pathsep.join(search),
            "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
            "JUNJO_SPAN_STORAGE_PATH": str(folder / "spans"),
            "JUNJO_DUCKDB_PATH": str(folder / "index.duckdb"),
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
        },
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=200,
    )

"""The README and the page on operating are true: every command in them is run as it stands, in the
order of the two pages, and says what they show.

The commands run in a copy of the checkout, as a person types them, with the worker of `make run`
beside them. What differs from run to run is left out of the comparison: times of day, durations,
process ids, and where the checkout lies.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from indexer.settings import Settings
from tests.support.processes import REPOSITORY, Running, Site, free_ports, wait_until
from tests.support.up import processes_of

README = (REPOSITORY / "README.md").read_text()
DOCS = REPOSITORY / "docs"
OPERATIONS = (DOCS / "operations.md").read_text()
PAGES = f"{README}\n{OPERATIONS}"
STOP_MARK = "<!-- the worker is stopped with Ctrl-C here -->"
CHECKOUT = "/srv/span-indexer"
"""Where the README says that the checkout is."""
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARYING = (
    (re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "), "TIME "),
    (re.compile(r"index \d+\.\d ms, payload \d+\.\d ms"), "index _ ms, payload _ ms"),
    (re.compile(r"\(process \d+\)"), "(process _)"),
    (re.compile(r"^as of \S+Z$"), "as of _"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:_"),
    (
        re.compile(r"internal \d+, otlp_grpc \d+, otlp_http \d+"),
        "internal _, otlp_grpc _, otlp_http _",
    ),
    (re.compile(r"^( *\w+) +shop  .*"), r"\1 shop _ ms"),
    (re.compile(r'"(spans_per_second|seconds|as_of)": [\d.]+'), r'"\1": _'),
)


@dataclass
class Command:
    """One command of the README, and what it is said to print; None where nothing is said."""

    text: str
    said: list[str] | None = None
    after_stop: bool = False
    printed: list[str] = field(default_factory=list)


def commands() -> Iterator[Command]:
    """Every command of a fenced sh or console block, in order."""
    for block in FENCED.finditer(PAGES):
        language, text = block.groups()
        after_stop = block.start() > PAGES.index(STOP_MARK)
        if language == "sh":
            for line in text.splitlines():
                yield Command(line, None, after_stop)
        elif language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                first, *said = part.splitlines()
                yield Command(first, said, after_stop)


@pytest.mark.process
def test_every_command_prints_what_the_readme_shows(checkout: Site) -> None:
    """From `make run` to the quarantine, in the order of the text."""
    worker: Running | None = None
    for command in commands():
        if command.text in ("make run", "make test"):
            if command.text == "make run" and command.said:
                worker = checkout.start_command(["make", "run"], cwd=checkout.folder)
                checkout.wait_ready(worker)
                _wait_receiving(worker)
                _compare(command, worker.out + worker.err, checkout)
            continue
        if command.after_stop and worker is not None:
            _press_ctrl_c(checkout, worker)
            worker = None
        if worker is not None:
            _wait_idle(checkout)
        done = subprocess.run(
            ["/bin/bash", "-c", command.text],
            cwd=checkout.folder,
            env=checkout.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=200,
            encoding="utf-8",
        )
        _compare(command, done.stdout, checkout)
    assert worker is None, "no page stops the worker"


def test_the_two_commands_come_first() -> None:
    """Before any other, `make run` and `make test`."""
    assert [command.text for command in commands()][:2] == ["make run", "make test"]


def test_make_test_is_a_command_that_exists(checkout: Site) -> None:
    """Not run here, because it would run this test; but made to say what it would do."""
    done = subprocess.run(
        ["make", "--dry-run", "test"],
        cwd=checkout.folder,
        env=checkout.env,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert ".venv/bin/python -m pytest" in done.stdout
    assert "-m duckdb" in done.stdout


def test_the_table_of_commands_has_every_command() -> None:
    rows = README[README.index("## Commands") :].partition("\n\n")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in rows.splitlines()]
    words = {word for cell in cells for word in re.findall(r"[a-z-]+", cell)}
    reference = (DOCS / "reference" / "commands.md").read_text()
    names = re.findall(r"^## ([a-z-]+)$", reference, re.MULTILINE)
    assert len(names) >= 20
    assert sorted(set(names) - words) == []


def test_the_settings_of_the_page_on_operating_are_the_settings() -> None:
    """Each row names a setting that exists, with the default that it has."""
    defaults = {one.variable: one.default_text for one in Settings.fields.values()}
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", OPERATIONS, re.MULTILINE)
    assert len(rows) >= 9
    for name, said in rows:
        assert said == defaults[name], name


def test_the_example_of_the_readme_is_the_one_in_the_folder() -> None:
    """The lines that are shown are lines of the file that is run."""
    (shown,) = [text for language, text in FENCED.findall(README) if language == "python"]
    assert shown in (REPOSITORY / "examples" / "send.py").read_text()


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in DOCS.glob("*.md"))])
def test_every_link_leads_somewhere(page: str) -> None:
    """Relative links are paths of this checkout."""
    path = REPOSITORY / page
    for target in re.findall(r"\]\(([^)]+)\)", path.read_text()):
        file = target.partition("#")[0]
        assert target.startswith("https://") or (path.parent / file).exists(), target


def test_the_page_on_how_it_works_passes_every_room() -> None:
    """A room that is made, or gone, has its place in the life of a span."""
    page = (DOCS / "how-it-works.md").read_text()
    rooms = {one.parent.name for one in (REPOSITORY / "indexer").glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}`" not in page} == set()


def test_the_changelog_has_a_place_for_what_is_next() -> None:
    """Keep a Changelog: the first section is Unreleased."""
    sections = re.findall(r"^## (.*)$", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == "[Unreleased]"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Site]:
    """The checkout's files under another path, with its virtual environment and no data."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed, and the README's commands begin with it")
    folder = tmp_path / "checkout"
    folder.mkdir()
    for entry in REPOSITORY.iterdir():
        if entry.name not in {".venv", ".dbdata", ".git"}:
            (folder / entry.name).symlink_to(entry)
    environment = folder / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name not in {".run", ".dev"}:
            (environment / entry.name).symlink_to(entry)
    for stamp in (".run", ".dev"):  # it is set up
        (environment / stamp).touch()
    data = folder / ".dbdata"
    site = Site(folder, root=data / "spans", pointer=data / "duckdb" / "index.duckdb")
    grpc_port, http_port, internal_port, dashboards_port, probes_port = free_ports(5)
    for name in [name for name in site.env if name.startswith(("INDEXER_", "JUNJO_"))]:
        del site.env[name]  # the commands run on the defaults
    site.set(  # but for ports, which other tests need too
        INGESTION_OTLP_GRPC_LISTEN=f"127.0.0.1:{grpc_port}",
        INGESTION_OTLP_HTTP_LISTEN=f"127.0.0.1:{http_port}",
        INGESTION_GRPC_PORT=internal_port,
        INGESTION_HTTP_LISTEN=f"127.0.0.1:{probes_port}",
        INDEXER_HTTP_LISTEN=f"127.0.0.1:{dashboards_port}",
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{grpc_port}",
    )
    yield site
    site.close()


def _compare(command: Command, printed: str, checkout: Site) -> None:
    if command.said is None:
        return
    found = _plain(printed.replace(str(checkout.folder), CHECKOUT))
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n"
        for line in _plain("\n".join(command.said))
    )
    shown = "".join(f"{line}\n" for line in found)
    assert re.fullmatch(pattern, shown), f"{shlex.quote(command.text)} printed:\n{shown}"


def _plain(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.splitlines()]
    for pattern, replacement in VARYING:
        lines = [pattern.sub(replacement, line) for line in lines]
    return lines


def _wait_idle(checkout: Site) -> None:
    """A person takes longer to type than the worker to index; a test does not."""
    checkout.wait_promoted(len(list(checkout.root.rglob("*.parquet"))))


def _wait_receiving(running: Running) -> None:
    wait_until(lambda: "receiving OTLP" in running.err, "the OTLP endpoint")


def _press_ctrl_c(checkout: Site, worker: Running) -> None:
    """SIGINT to all that make runs, as a terminal sends it; make ends with them."""
    os.killpg(worker.pid, signal.SIGINT)
    worker.wait()
    wait_until(lambda: "stopped; every registered file" in worker.err, "the worker's last word")
    wait_until(lambda: "stopped; every acknowledged" in worker.err, "the ingestion's last word")
    wait_until(lambda: not processes_of(worker), "an end of all that make runs")
    assert "Error" not in worker.err


def test_the_page_on_operating_names_settings_and_events_that_exist() -> None:
    known = {one.variable for one in Settings.fields.values()}
    named = set(re.findall(r"`((?:INDEXER|INGESTION|FLUSH|JUNJO|SPAN)_[A-Z_]+)`", OPERATIONS))
    assert named
    assert named <= known
    symptoms = OPERATIONS[OPERATIONS.index("## By symptom") : OPERATIONS.index("## Upgrading")]
    code = "".join(path.read_text() for path in (REPOSITORY / "indexer").rglob("*.py"))
    said = re.findall(r'"([^"|]+)"', symptoms)
    assert len(said) >= 5
    assert [text for text in said if text not in code] == []
    events = (DOCS / "reference" / "events.md").read_text()
    assert "`flush.failed`" in events

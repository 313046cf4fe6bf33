"""The table of what can be in memory, and the limits of the deployment files that must hold it."""

import os
import re

import pytest

from indexer.run.memory import INGESTION, MIB, UP, WORKER, WRITER, parts, total_bytes
from indexer.settings import Settings
from tests.support.processes import REPOSITORY

UNITS = {"m": MIB, "g": 1 << 30, "Mi": MIB, "Gi": 1 << 30}
OF_THE_DISK = {
    *("INGESTION_WAL_BYTES_MAX", "INGESTION_RETENTION_MAX_BYTES"),
    "INDEXER_SEARCH_BYTES_MAX",  # read a part at a time
    "INDEXER_SEARCH_SUMMARIES_BYTES",
    *("INDEXER_MASTRA_BYTES_MAX", "INDEXER_MASTRA_SIGNALS_BYTES_MAX"),
}
WITHIN_ANOTHER = {
    "INDEXER_ANSWER_BYTES_MAX": "INDEXER_ANSWERS_BYTES_MAX",
    "INDEXER_QUESTIONS": "INDEXER_ANSWERS_BYTES_MAX",
}
"""What is held is held against the budget of the other one."""


def settings() -> Settings:
    """Of the environment, whatever two of them are beside each other."""
    return Settings.read(os.environ)


def limit(file: str, service: str) -> int:
    """The memory limit of a service, in bytes."""
    text = (REPOSITORY / "deploy" / file).read_text()
    (found,) = re.findall(
        rf"^  {service}:\n(?:(?!^  \w).*\n)*?    mem_limit: (\d+)(\w+)$", text, re.MULTILINE
    )
    return int(found[0]) * UNITS[found[1]]


@pytest.mark.parametrize(
    ("file", "service", "processes"),
    [
        ("docker-compose.yml", "indexer", [WORKER]),
        ("docker-compose.up.yml", "up", [UP, INGESTION, WRITER, WORKER]),
        ("docker-compose.up.yml", "ingestion", [INGESTION, WRITER]),
        ("docker-compose.up.yml", "worker", [WORKER]),
    ],
)
def test_the_limit_of_a_container_holds_what_its_processes_can(file, service, processes):
    totals = total_bytes(settings())
    assert sum(totals[name] for name in processes) <= limit(file, service)


def test_the_pod_of_kubernetes_holds_a_worker():
    text = (REPOSITORY / "deploy" / "kubernetes.yaml").read_text()
    (number, unit) = re.findall(r"limits:\n\s+memory: (\d+)(\w+)", text)[-1]
    assert total_bytes(settings())[WORKER] <= int(number) * UNITS[unit]


def test_every_size_of_the_settings_is_in_the_table_or_of_the_disk():
    sizes = {
        one.variable for one in Settings.fields.values() if re.search(r"MEMORY|BYTES", one.variable)
    }
    named = {name for part in parts(settings()) for name in part.settings}
    assert sizes - named == (OF_THE_DISK | WITHIN_ANOTHER.keys()) & sizes
    assert set(WITHIN_ANOTHER.values()) <= named


@pytest.mark.parametrize(
    "name", sorted({name for part in parts(settings()) for name in part.settings})
)
def test_a_setting_that_grows_makes_its_part_grow(name, monkeypatch):
    """No number of the table stands by itself. Requests of one file are as large as one body."""
    fields = {one.variable: one.default_text for one in Settings.fields.values()}
    amount, unit = re.fullmatch(r"(\d+)(\D*)", fields[name]).groups()
    factor = 20 if name == "FLUSH_MAX_BYTES" else 2
    monkeypatch.setenv("INDEXER_MASTRA_PATH", "mastra.duckdb")  # without it there is no such part
    before = {(part.process, part.name): part.size_bytes for part in parts(settings())}
    monkeypatch.setenv(name, f"{factor * int(amount)}{unit}")
    after = {(part.process, part.name): part.size_bytes for part in parts(settings())}
    assert any(after[one] > before[one] for one in before)

"""The parts of ``up`` keep little of what they have freed, unless somebody wants it otherwise."""

import os

import pytest

from indexer.cli import up as module


@pytest.fixture
def started(monkeypatch):
    """The environment of a part that is started, but for what it starts."""
    found = {}
    monkeypatch.setattr(module.os, "posix_spawn", lambda _path, _words, env, **_: found.update(env))

    def start(**given):
        for name in module.ALLOCATORS:
            monkeypatch.delenv(name, raising=False)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        part = module._start("ingest", environ={"INGESTION_GRPC_HOST": "127.0.0.1"})
        os.close(part.input_number)
        return found

    return start


def test_parts_are_told_how_to_allocate(started):
    found = started()
    assert module.ALLOCATORS.items() <= found.items()
    assert found["INGESTION_GRPC_HOST"] == "127.0.0.1"


def test_what_the_environment_says_of_allocation_holds(started):
    found = started(MALLOC_ARENA_MAX="7")
    assert found["MALLOC_ARENA_MAX"] == "7"

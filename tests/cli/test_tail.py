"""`tail` writes a line a span, and what else happens on standard error."""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path

import pytest

from indexer.cli.tail import tail
from indexer.errors import QueryRefused
from indexer.settings import Settings
from tests.clients.api.test_tail import Worker
from tests.support.catalogs import indexed
from tests.support.processes import wait_until
from tests.support.served import serving
from tests.support.span_files import Span


def options(*, as_json: bool, status: str | None = None) -> argparse.Namespace:
    return argparse.Namespace(json=as_json, status=status)


def settings(folder: Path) -> Settings:
    return Settings(catalog_path=folder / "index.duckdb")


@pytest.mark.duckdb
@pytest.mark.parametrize("as_json", [False, True])
def test_each_new_span_is_a_line(
    as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever its name holds; the end of the stream is the end of the command."""
    asked = options(as_json=as_json, status="error")
    codes: list[int] = []
    with indexed(tmp_path) as one:
        worker = Worker(one)
        with serving(host=worker, socket_folder=tmp_path) as served:
            following = threading.Thread(
                target=lambda: codes.append(tail(settings(tmp_path), asked))
            )
            following.start()
            wait_until(lambda: served.service.usages["streams"].in_use, "the stream")
            wait_until(lambda: worker.looks > 1, "its beginning")
            worker.rows = [Span(span=1), Span(span=2, status=2, name="a\nb")]
            looks = worker.looks
            wait_until(lambda: worker.looks > looks + 1, "a look at the new spans")
        following.join()
    said = capsys.readouterr()
    (line,) = said.out.splitlines()
    assert codes == [0]
    assert said.err == "end: the service is stopping\n"
    if as_json:
        assert json.loads(line)["name"] == "a\nb"
    else:
        assert line.endswith(f"1.000 ms  ERROR  {1:032x}  shop  a\\nb")


def test_without_a_worker_there_is_nothing_to_follow(tmp_path: Path) -> None:
    with pytest.raises(QueryRefused, match="no worker"):
        tail(settings(tmp_path), options(as_json=False))


def test_an_option_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(QueryRefused, match="--status 'bad'"):
        tail(settings(tmp_path), options(as_json=False, status="bad"))

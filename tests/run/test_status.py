"""What probes and operators are told of a worker, and what it costs the catalog to tell it."""

from typing import Any

import duckdb
import pytest

from indexer.query.answers import Answers
from indexer.query.catalog_moments import CatalogMoments
from indexer.run.status import worker_status
from indexer.settings import Settings
from indexer.system.budget import ByteBudget
from tests.support.catalogs import Indexed, indexed
from tests.support.served import StubHost, serving
from tests.support.span_files import spans, write


class Noted:
    """A connection that notes what it is asked."""

    def __init__(self, connection: Any, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._statements.append(sql)
        return self._connection.execute(sql, *parameters)

    def sql(self, sql: str, **parameters: Any) -> Any:
        self._statements.append(sql)
        return self._connection.sql(sql, **parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Host(StubHost):
    """The status of a real catalog and pipeline."""

    def __init__(self, one: Indexed, cursor: Any) -> None:
        self.one = one
        self.budget = ByteBudget(1 << 20)
        self.answers = Answers(moments=CatalogMoments(cursor=cursor, storage=one.pipeline.storage))

    def status(self) -> dict[str, Any]:
        return worker_status(
            Settings(storage_path=self.one.root),
            self.one.catalog,
            self.one.pipeline,
            self.answers.moments,
            problems=(),
            http_url=None,
            watching=True,
            swept_unix_s=1.0,
            hot=None,
            usages={"answer_bytes": self.budget.usage},
        )


@pytest.fixture
def one(tmp_path):
    with indexed(tmp_path) as opened:
        write(opened.root / "a.parquet", spans(3))
        opened.settle()
        yield opened


def test_no_probe_asks_the_catalog_for_what_it_holds(one):
    """Their cost is the same whatever its size: the numbers are those that the writer keeps."""
    statements: list[str] = []
    one.catalog.connection = Noted(one.catalog.connection, statements)
    host = Host(one, lambda: Noted(one.catalog.cursor(), statements))
    with serving(host=host) as served:
        assert served.get("/readyz").json == {"status": "ready"}
        assert served.get("/status").json["spans"] == 3
        assert b"span_indexer_spans 3.0" in served.get("/metrics").body
    assert set(statements) == {"SELECT 1"}


@pytest.mark.parametrize(
    "fault", [duckdb.FatalException("FATAL Error: invalidated"), duckdb.IOException("IO Error: x")]
)
def test_a_catalog_that_does_not_answer_is_a_problem_without_totals(one, fault):
    def refusing() -> Any:
        raise fault

    found = Host(one, refusing).status()
    assert found["healthy"] is False
    (problem,) = found["problems"]
    assert str(fault) in problem
    assert "spans" not in found


def test_what_is_in_use_stands_beside_its_limit(one):
    host = Host(one, one.catalog.cursor)
    with host.budget.reservation() as held:
        held.grow(1_000)
        found = host.status()
    assert (found["in_use"], found["limits"]) == (
        {"answer_bytes": 1_000},
        {"answer_bytes": 1 << 20},
    )
    assert host.status()["in_use"] == {"answer_bytes": 0}

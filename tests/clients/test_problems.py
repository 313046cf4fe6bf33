"""Every refusal is problem details, and says no more than it should."""

import logging
from typing import Annotated

import duckdb
import pytest
from fastapi import HTTPException, Query

from indexer import errors
from indexer.clients.shared.problems import CLIENT_CLOSED, ClientGone
from indexer.telemetry import log_rate
from tests.support.served import serving

FACTS = "a name in a traceback"


def raising(error):
    async def route() -> None:
        raise error

    return ("/", route)


def refusal(error):
    with serving(raising(error)) as served:
        said = served.get("/")
    assert said.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= said.json.keys()
    assert said.json["status"] == said.code
    return said


@pytest.mark.parametrize("kind", [errors.HotUnavailable, errors.CatalogBusy, errors.QueriesBusy])
def test_what_is_transient_may_be_asked_again(kind):
    said = refusal(kind("not now"))
    assert said.code == 503
    assert said.headers["retry-after"] == "1"
    assert (said.json["title"], said.json["detail"]) == (kind.__name__, "not now")
    assert said.json["hint"] == kind.hint


def test_what_is_transient_is_logged_once_a_minute(caplog, monkeypatch):
    """However many are refused; the line has the kind and the cause."""
    monkeypatch.setattr(log_rate, "_OCCURRENCES", log_rate.Occurrences())
    caplog.set_level(logging.WARNING, logger="indexer")
    with serving(raising(errors.AnswerOutOfMemory("no room"))) as served:
        assert {served.get("/").code for _ in range(3)} == {503}
    (record,) = [one for one in caplog.records if hasattr(one, "event")]
    assert record.event == "http.refused_for_now"
    assert record.getMessage() == "AnswerOutOfMemory: no room"


def fault_in(said, caplog):
    """The line of the log that the ID of a problem leads to."""
    fault_id = said.json["instance"].removeprefix("urn:span-indexer:fault:")
    (record,) = [one for one in caplog.records if getattr(one, "event", "") == "http.failed"]
    assert fault_id in record.getMessage()
    assert record.fields == {"fault_id": fault_id}
    return record


def test_what_is_permanent_and_not_the_client_s_is_a_fault_of_the_service(caplog):
    caplog.set_level(logging.ERROR, logger="indexer")
    said = refusal(errors.CatalogUnreadable("torn"))
    assert said.code == 500
    fault_in(said, caplog)


def test_what_duckdb_says_to_a_wrong_statement_is_a_fault_and_no_full_disk(caplog):
    caplog.set_level(logging.ERROR, logger="indexer")
    said = refusal(duckdb.BinderException(FACTS))
    assert (said.code, said.json["title"]) == (500, "Internal Server Error")
    assert "disk" not in said.body.decode()
    assert FACTS in fault_in(said, caplog).getMessage()


def test_what_a_route_says_by_itself_is_the_detail():
    answer = refusal(HTTPException(404, "no such trace")).json
    assert (answer["detail"], "hint" in answer) == ("no such trace", False)


def test_a_fault_is_in_the_log_and_not_in_the_answer(caplog):
    caplog.set_level(logging.ERROR, logger="indexer")
    said = refusal(ZeroDivisionError(FACTS))
    assert said.code == 500
    assert FACTS not in said.body.decode()
    record = fault_in(said, caplog)
    assert FACTS in record.getMessage()
    assert record.exc_info[0] is ZeroDivisionError


def test_a_parameter_out_of_bounds_is_named_with_its_bounds():
    async def route(limit: Annotated[int, Query(ge=1, le=5)] = 3) -> int:
        return limit

    with serving(("/", route)) as served:
        assert served.get("/").json == 3
        said = served.get("/?limit=6")
        odd = served.get(f"/?limit={'x' * 1000}")
    assert said.code == odd.code == 422
    (found,) = said.json["errors"]
    assert (found["parameter"], found["in"], found["value"], found["le"]) == (
        "limit",
        "query",
        "6",
        5,
    )
    assert "limit is '6'" in said.json["detail"]
    assert len(odd.body) < 1000


def test_a_client_that_has_gone_is_no_fault():
    with serving(raising(ClientGone())) as served:
        assert served.get("/").code == CLIENT_CLOSED

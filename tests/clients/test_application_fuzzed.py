"""Every route is what its OpenAPI description says, whatever a client sends: by schemathesis."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)

from tests.clients.test_routes_junjo import served
from tests.support.examples import examples
from tests.support.served import Served

DESCRIPTION = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
STREAMS = {"GET /api/v1/tail"}
"""Their answers have no end: see ``tests/clients/api/test_tail.py``."""
TOO_LONG = {HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE}
OPERATIONS = {
    operation.label: operation
    for result in schemathesis.openapi.from_path(DESCRIPTION).get_all_operations()
    for operation in (result.ok(),)
    if "mastra" not in operation.definition.raw["tags"] and operation.label not in STREAMS
}
"""Those of every worker; one without a store has no routes of Mastra."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("fuzzed")) as service:
        yield service


def assert_undescribable(case: schemathesis.Case, code: int, title: str) -> None:
    """A description cannot say which texts are times of this calendar, cursors or keys of ours.

    Nor which operators take which values.
    Nor what there is.
    """
    if case.path.endswith(("/search/spans", "/search/traces")):
        assert (code, title) == (400, "QueryRefused")
    elif case.method == "POST":
        assert (code, title) == (403, "OperatorsOnly")
    elif title == "InvalidId":
        assert (code, case.path_parameters["trace_id"].strip("0")) == (422, "")
    elif title == "Not Found":
        assert code == 404
        assert case.path.endswith(("/trace-evidence/{trace_id}", "/execution-resolution"))
    else:
        assert (code, title) == (400, "QueryRefused")
        times = {"since", "until", "start_time", "end_time"}
        assert (times | {"cursor", "key"}) & case.query.keys()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_gets_what_is_not_described(
    label: str, mode: GenerationMode, api: Served
) -> None:
    """No fault, no undescribed status, type or body; and what is forbidden is refused."""
    operation = OPERATIONS[label]
    if mode is GenerationMode.NEGATIVE and not any(operation.iter_parameters()):
        return  # nothing can be wrong with a request that says nothing
    host, port = api.address

    @examples(5, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        answer = case.call(base_url=f"http://{host}:{port}", timeout=100)
        excluded = [positive_data_acceptance]
        if answer.status_code in TOO_LONG:
            excluded.append(negative_data_rejection)  # refused, by a check that does not know it
        case.validate_response(answer, excluded_checks=excluded)
        if mode is GenerationMode.POSITIVE and not 200 <= answer.status_code < 300:
            assert_undescribable(case, answer.status_code, answer.json()["title"])

    asked()

"""One application: what a dashboard is answered over TCP, a command is answered over the socket."""

from collections.abc import Iterator

import pytest

from tests.clients.test_routes_junjo import FLOW, V3, served
from tests.support.served import Served

QUESTIONS = (
    f"/api/v1/traces/{FLOW}",
    "/spans?key=junjo.span_type&value=workflow",
    "/services",
    "/services/shop/roots?limit=2",
    "/files",
    "/quarantine",
    "/api/v1/search/spans?kind=server&limit=2",
    f"{V3}/traces/{FLOW}/spans",
    f"{V3}/services/shop/spans?limit=1",
)
REFUSED = (
    "/api/v1/traces/none",
    "/spans?key=never",
    "/spans?limit=0",
    "/nowhere",
    "/api/v1/search/spans?kind=odd",
)
OF_THE_MOMENT = {"date", "content-length", "server-timing", "x-files-read", "x-bytes-read"}
"""Headers whose value differs between two answers to one question."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("both")) as service:
        yield service


@pytest.mark.parametrize("target", [*QUESTIONS, *REFUSED])
def test_both_sockets_give_the_same_answer_with_the_same_headers(api: Served, target: str) -> None:
    over_tcp, over_socket = api.get(target), api.operator.get(target)
    assert over_tcp.code == over_socket.code
    assert (over_tcp.code == 200) == (target in QUESTIONS)
    assert over_tcp.headers.keys() == over_socket.headers.keys()
    lasting = over_tcp.headers.keys() - OF_THE_MOMENT
    assert {name: over_tcp.headers[name] for name in lasting} == {
        name: over_socket.headers[name] for name in lasting
    }
    if "cost" not in over_tcp.json:  # it has the times that the answer took
        assert over_tcp.body == over_socket.body


@pytest.mark.parametrize("target", QUESTIONS[:4])
def test_an_answer_of_spans_says_over_the_socket_whether_it_is_complete(
    api: Served, target: str
) -> None:
    """In its headers as in its body, which commands write."""
    answer = api.operator.get(target)
    assert answer.headers["x-complete"] == "true"
    assert answer.json["complete"] is True
    assert answer.headers["x-files-quarantined"] == "0"


def test_the_links_of_our_own_lists_lead_to_the_end(api: Served) -> None:
    """A link that is answered with a refusal of its parameter would be none."""
    target, found = "/services/shop/roots?limit=1", []
    while target:
        page = api.operator.get(target)
        assert page.code == 200, page.body
        found += page.json["spans"]
        target = page.headers.get("link", "").removesuffix('>; rel="next"').removeprefix("<")
    assert found == api.operator.get("/services/shop/roots").json["spans"]
    assert len(found) == 4

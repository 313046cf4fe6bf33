"""The worker's own routes, over its real socket: what each answers, and how each refuses.

Commands and dashboards rely on two shapes only: JSON, and RFC 9457 problem details. Names of
services come from other people's programs, so every character of them has to survive a URL.
"""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.support.processes import Answer, Site
from tests.support.span_files import T0, Span, spans

pytestmark = [pytest.mark.duckdb, pytest.mark.process]

ODD_NAMES = [
    "a/b",
    "/",
    "100%",
    "%2F",
    "what?now#then",
    "two words",
    "ünïcødé",
    "x/roots",
    "../../status",
    "a&b=c;d",
    "",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A worker over one trace of three spans, and one span of each oddly named service."""
    site = Site(tmp_path_factory.mktemp("app"))
    try:
        site.write("a.parquet", spans(3, trace=1))
        odd = [
            Span(trace=100 + n, span=1, service=name, name=f"root {n}", start=T0 + n)
            for n, name in enumerate(ODD_NAMES)
        ]
        site.write("odd.parquet", odd)
        site.worker()
        site.wait_files(2)
        yield site
    finally:
        site.close()


def problem(answer: Answer, code: int) -> dict[str, object]:
    """The body of a refusal, which has to be problem details."""
    assert answer.code == code, answer.body
    assert answer.media_type == "application/problem+json"
    assert answer.json["status"] == code
    assert answer.json["title"]
    assert answer.json["detail"]
    return answer.json


def test_a_trace_is_json(site: Site) -> None:
    """Spans with payload, and what the answer rests on."""
    answer = site.get(f"/api/v1/traces/{1:032x}")
    assert answer.code == 200
    assert answer.media_type == "application/json"
    assert answer.json["complete"] is True
    assert answer.json["missing"] == []
    first = answer.json["spans"][0]
    assert first["attributes"] == {}
    assert first["start_time_unix_nano"] == T0 + 1_000_000
    assert first["file_path"] == str(site.root / "a.parquet")


def test_an_unknown_trace_is_an_empty_answer(site: Site) -> None:
    """Not found is not an error: nothing is missing from it."""
    answer = site.get(f"/api/v1/traces/{'f' * 32}")
    assert answer.code == 200
    assert answer.json["spans"] == []
    assert answer.json["complete"] is True


@pytest.mark.parametrize("trace_id", ["zz", "0" * 32, "f" * 33, "a%2Fb", "%00", "%EF%BF%BD", "'--"])
def test_what_is_no_trace_id_is_a_problem(site: Site, trace_id: str) -> None:
    """422, with the text and the next step."""
    found = problem(site.get(f"/api/v1/traces/{trace_id}"), 422)
    assert found["title"] == "InvalidId"
    assert "invalid trace ID" in found["detail"]
    assert "32 hex digits" in found["hint"]


@pytest.mark.parametrize("path", ["/files", "/quarantine", "/services/shop/roots"])
@pytest.mark.parametrize("limit", ["0", "-1", "10001", "many", "1e3", ""])
def test_a_limit_out_of_bounds_is_a_problem(site: Site, path: str, limit: str) -> None:
    """422, and the bound is named where the text is a number."""
    found = problem(site.get(path, limit=limit), 422)
    assert limit in found["detail"]


@pytest.mark.parametrize("limit", [1, 10_000])
def test_a_limit_within_bounds_is_kept(site: Site, limit: int) -> None:
    """Both ends belong to it."""
    answer = site.get("/files", limit=limit)
    assert answer.code == 200
    assert len(answer.json) == min(limit, 2)


@pytest.mark.parametrize("path", ["/nowhere", "/services/shop", "/status/now"])
def test_an_unknown_route_is_not_found(site: Site, path: str) -> None:
    """404, in the shape of every refusal."""
    problem(site.get(path), 404)


@pytest.mark.parametrize(("method", "path"), [("POST", "/status"), ("GET", "/snapshot")])
def test_a_wrong_method_is_refused(site: Site, method: str, path: str) -> None:
    """Reading does not change, and changing is not done by reading: 405."""
    problem(site.request(method, path), 405)


def test_the_services_are_listed_by_name(site: Site) -> None:
    """Every one, however it is called, with exact counts."""
    rows = site.get("/services").json["services"]
    assert [row["service_name"] for row in rows] == sorted(["shop", *ODD_NAMES])
    assert {row["service_name"]: row["total_spans"] for row in rows}["shop"] == 3
    assert rows[0]["first_seen"].endswith("+00:00")


@pytest.mark.parametrize("service", ODD_NAMES)
def test_an_odd_service_name_reaches_its_roots(site: Site, service: str) -> None:
    """Slashes, percent signs, dots and nothing at all."""
    answer = site.get(f"/services/{quote(service, safe='')}/roots")
    assert answer.code == 200
    number = ODD_NAMES.index(service)
    assert [(row["service_name"], row["name"]) for row in answer.json["spans"]] == [
        (service, f"root {number}")
    ]


def test_an_unknown_service_has_no_roots(site: Site) -> None:
    """An empty list, not an error."""
    answer = site.get("/services/nobody/roots")
    assert answer.code == 200
    assert (answer.json["spans"], answer.json["complete"]) == ([], True)


def test_a_sweep_is_done_when_it_answers(site: Site) -> None:
    """What lay in the folder before the request is in the index after it."""
    before = site.status()["swept_at"]
    assert site.request("POST", "/sweep").code == 200
    assert site.status()["swept_at"] > before


def test_a_broken_request_does_not_hurt_the_worker(site: Site) -> None:
    """Not HTTP at all: the connection ends, and the next one is served."""
    with site.connected() as connection:
        connection.sock.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert connection.sock.recv(1000).startswith(b"HTTP/1.1 400")
    assert site.status()["healthy"]

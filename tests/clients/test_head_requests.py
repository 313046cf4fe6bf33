"""HEAD has the head of GET and no body, and a page of the routes loads nothing."""

import re

import pytest

from tests.support.served import StubHost, serving

STATUS = {"healthy": True, "problems": [], "swept_at": 1, "files_ready": 0, "files_waiting": 0}


@pytest.fixture(scope="module")
def served():
    with serving(host=StubHost(**STATUS, storage_root="/")) as one:
        yield one


@pytest.mark.parametrize(
    "target", ["/", "/docs", "/healthz", "/readyz", "/status", "/openapi.json"]
)
def test_head_has_the_head_of_get_and_no_body(served, target):
    asked, got = served.request("HEAD", target), served.get(target)
    assert (asked.code, asked.body) == (200, b"")
    assert got.body
    for name in ("content-type", "content-length"):
        assert asked.headers[name] == got.headers[name]


def test_head_of_what_is_not_there_or_takes_no_get_is_refused(served):
    assert served.request("HEAD", "/none").code == 404
    assert served.request("HEAD", "/sweep").code == 405


def test_the_root_says_what_this_is_and_links_the_page_of_all_routes(served):
    said = served.get("/").json
    assert said["service"] == "span-indexer"
    page = served.get(said["docs"]).body.decode()
    for path in served.get(said["openapi"]).json["paths"]:
        assert f" {path}</code>" in page, path
    assert set(re.findall(r"(?:href|src)=\"?([^\"> ]+)", page)) <= {
        "/openapi.json", *served.get("/openapi.json").json["paths"],
    }  # fmt: skip
    assert "<script" not in page
    assert "//" not in re.sub(r"<details>.*", "", page)

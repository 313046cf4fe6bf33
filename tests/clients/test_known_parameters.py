"""Parameters that a route of our own does not answer as they are: refused, with what is meant."""

import pytest

from tests.support.served import StubHost, serving

STATUS = {"problems": [], "swept_at": 1, "files_ready": 0, "files_waiting": 0}


@pytest.fixture(scope="module")
def served():
    with serving(host=StubHost(**STATUS, storage_root="/")) as one:
        yield one


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/spans?key=a&limt=3", "unknown parameter; did you mean 'limit'?"),
        ("/api/v1/search/spans?naem=a", "unknown parameter; did you mean 'name'?"),
        ("/files?service=shop", "unknown parameter; known: limit"),
        ("/status?verbose=1", "unknown parameter; this route has none"),
        ("/healthz?now", "unknown parameter; this route has none"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_name(served, target, said):
    answer = served.get(target)
    assert (answer.code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json["errors"]
    assert (error["in"], error["message"]) == ("query", said)
    assert error["parameter"] in target
    assert said in answer.json["detail"]


@pytest.mark.parametrize(
    ("target", "name", "said"),
    [
        ("/files?limit=1&limit=2", "limit", "given 2 times; it has one value"),
        ("/api/v1/search/spans?service=a&name=n&service=b", "service", "given 2 times;"),
        ("/api/v1/operations?since=1&since=1&since=1", "since", "given 3 times;"),
        ("/api/v1/search/spans?name=%ff", "name", "not UTF-8;"),
        ("/api/v1/search/spans?attr=a=b&attr=%c3", "attr", "not UTF-8;"),
        ("/api/v1/attributes/%ff/values", "", "not UTF-8;"),
        ("/api/v1/traces/%FF", "", "not UTF-8;"),
    ],
)
def test_what_would_be_answered_as_another_question_is_refused(served, target, name, said):
    answer = served.get(target)
    assert answer.code == 422, answer.body
    (error,) = answer.json["errors"]
    assert error["parameter"] == name
    assert said in error["message"]
    assert said in answer.json["detail"]


def test_what_may_be_given_more_than_once_is_not_refused_for_that(served):
    answer = served.get("/api/v1/search/spans?attr=a~(&attr=%C3%BC")
    assert (answer.code, answer.json["title"]) == (400, "QueryRefused")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('{"limit": 1, "limit": 2}', ["limit"]),
        ('{"service": "a", "or": [{"name": "x", "name": "x", "name": "y"}]}', ["name"]),
        ('{"name": "a", "name": "b", "attr": {"key": "k", "key": "k"}}', ["key", "name"]),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/search/spans", "/api/v1/search/traces"])
def test_a_field_of_a_body_that_is_there_twice_is_refused(served, path, body, names):
    sent = {"Content-Type": "application/json"}
    answer = served.request("POST", path, sent, body.encode())
    assert answer.code == 422, answer.body
    assert [one["parameter"] for one in answer.json["errors"]] == names
    assert all("times; it has one value" in one["message"] for one in answer.json["errors"])


def test_of_thousands_of_unknown_parameters_the_first_are_named(served):
    """A refusal costs little, whatever was sent."""
    answer = served.get("/status?" + "&".join(f"x{n}" for n in range(4_000)))
    assert answer.code == 422
    assert [one["parameter"] for one in answer.json["errors"]] == [f"x{n}" for n in range(8)]
    assert len(answer.body) < 4_000


def test_every_unknown_parameter_is_named(served):
    answer = served.get("/spans?serv=a&lim=2&lim=3")
    assert [one["parameter"] for one in answer.json["errors"]] == ["serv", "lim"]


@pytest.mark.parametrize(
    ("method", "target", "code", "hint"),
    [
        ("PUT", "/api/v1/search/spans", 405, "It takes GET, POST."),
        ("OPTIONS", "/api/v1/services", 405, "It takes GET."),
        ("POST", "/api/v1/services", 405, "It takes GET."),
        ("GET", "/api/v1/nowhere", 404, "GET /docs describes every route."),
    ],
)
def test_what_no_route_has_is_refused_with_what_there_is(served, method, target, code, hint):
    answer = served.request(method, target)
    assert (answer.code, answer.json.get("hint")) == (code, hint)
    if code == 405:
        assert hint == f"It takes {answer.headers['allow']}."


def test_a_length_is_refused_with_one_that_is_none_of_a_pattern(served):
    (error,) = served.get("/api/v1/search/spans?min_duration=5").json["errors"]
    assert error["message"] == "expected a length such as 20ms or 1.5s"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_body_of_another_type_is_refused_with_the_one_to_send(served, kind):
    answer = served.request("POST", "/api/v1/search/spans", {"Content-Type": kind}, b"{}")
    assert answer.code == 422
    assert answer.json["hint"] == "Send it as Content-Type: application/json."

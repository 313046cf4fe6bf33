"""Parameters that a route does not have: refused by routes of our own, left alone by a dialect."""

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


def test_of_thousands_of_unknown_parameters_the_first_are_named(served):
    """A refusal costs little, whatever was sent."""
    answer = served.get("/status?" + "&".join(f"x{n}" for n in range(4_000)))
    assert answer.code == 422
    assert [one["parameter"] for one in answer.json["errors"]] == [f"x{n}" for n in range(8)]
    assert len(answer.body) < 4_000


def test_every_unknown_parameter_is_named(served):
    answer = served.get("/spans?serv=a&lim=2&lim=3")
    assert [one["parameter"] for one in answer.json["errors"]] == ["serv", "lim"]

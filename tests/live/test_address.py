"""``otlp://host:port`` is two ports; anything else is refused with what is expected."""

import pytest

from indexer.errors import InvalidSettings
from indexer.live.address import receiver_address
from indexer.system.addresses import resolve


@pytest.mark.parametrize(
    ("url", "grpc", "http"),
    [
        ("otlp://localhost:4317", "localhost:4317", "localhost:4318"),
        ("otlp://127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"),
        ("otlp://[::1]:4317", "[::1]:4317", "[::1]:4318"),
        ("OTLP://my-host.example:9000/", "my-host.example:9000", "my-host.example:9001"),
        ("otlp://:4317", ":4317", ":4318"),
    ],
)
def test_grpc_is_at_the_port_and_http_at_the_next(url, grpc, http):
    found = receiver_address(url)
    assert (found.grpc.listen, found.http.listen) == (grpc, http)


def test_the_port_of_http_may_be_another_or_none():
    assert receiver_address("otlp://localhost:4317", http_port=80).http.listen == "localhost:80"
    assert receiver_address("otlp://localhost:4317", http_port=-1).http is None


@pytest.mark.parametrize(
    "url",
    [
        "otlp://localhost",
        "otlp://localhost:",
        "otlp:localhost:4317",
        "http://localhost:4317",
        "otlp://user@localhost:4317",
        "otlp://localhost:4317/traces",
        "otlp://::1:4317",
        "otlp://localhost:grpc",
        "",
    ],
)
def test_an_invalid_address_is_refused_with_an_example(url):
    with pytest.raises(InvalidSettings, match="invalid OTLP address") as refused:
        receiver_address(url)
    assert "otlp://localhost:4317" in refused.value.advice


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("otlp://localhost:70000", "is not an address"),
        ("otlp://[nonsense]:4317", "is not IPv6"),
        ("otlp://no.such.host.invalid:4317", "the host cannot be resolved"),
        ("otlp://0.0.0.0:4317", "open to other machines and token is not set"),
    ],
)
def test_an_address_that_cannot_be_bound_says_why(url, said):
    with pytest.raises(InvalidSettings, match=said):
        resolve(receiver_address(url).grpc)

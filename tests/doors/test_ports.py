"""Where each port may listen, and what is said when it cannot: the same for every setting."""

import os
import socket
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import InvalidSettings
from indexer.run import ingestion_limits, ports
from indexer.settings import Settings, load_settings
from indexer.system.addresses import CONSENT, Address, Endpoint, bind, check_free, resolve

TOKEN = "0123456789abcdef"  # noqa: S105 - of a test
PORTS = {
    "INDEXER_HTTP_LISTEN": (
        ports.dashboards, "http_listen", "INDEXER_HTTP_TOKEN", "INDEXER_HTTP_ALLOW_OPEN",
    ),
    "INGESTION_OTLP_GRPC_LISTEN": (
        ports.otlp_grpc, "otlp_grpc_listen", "INGESTION_API_KEY", "INGESTION_OTLP_ALLOW_OPEN",
    ),
    "INGESTION_OTLP_HTTP_LISTEN": (
        ports.otlp_http, "otlp_http_listen", "INGESTION_API_KEY", "INGESTION_OTLP_ALLOW_OPEN",
    ),
    "INGESTION_HTTP_LISTEN": (
        ports.ingestion_http, "ingestion_http_listen", "INGESTION_HTTP_TOKEN",
        "INGESTION_HTTP_ALLOW_OPEN",
    ),
    "INGESTION_GRPC_LISTEN_HOST": (
        ports.internal, "", "JUNJO_INTERNAL_GRPC_TOKEN", "INGESTION_GRPC_ALLOW_OPEN",
    ),
}  # fmt: skip
BAD = ["4318", "localhost", "127.0.0.1:http", "::", ":::1", "127.0.0.1:70000", "a b:1", "[::1]"]
OPEN = ["0.0.0.0:0", ":0", "[::]:0"]


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("INDEXER_", "INGESTION_", "JUNJO_")):
            monkeypatch.delenv(name)


def endpoint(setting: str, listen: str, monkeypatch) -> Endpoint:
    """The endpoint when its setting says so."""
    make, field, _, _ = PORTS[setting]
    if field:
        monkeypatch.setenv(setting, listen)
    else:
        host, _, port = listen.rpartition(":")
        monkeypatch.setenv("INGESTION_GRPC_LISTEN_HOST", host.strip("[]"))
        monkeypatch.setenv("INGESTION_GRPC_PORT", port)
    found = make(load_settings())
    assert found is not None
    return found


@pytest.mark.parametrize("listen", BAD)
@pytest.mark.parametrize("setting", [name for name in PORTS if PORTS[name][1]])
def test_what_is_not_an_address_names_the_setting_and_the_form(setting, listen, monkeypatch):
    with pytest.raises(InvalidSettings, match=setting) as refused:
        resolve(endpoint(setting, listen, monkeypatch))
    assert "host:port" in refused.value.advice or "host cannot be resolved" in refused.value.message


@pytest.mark.parametrize("listen", OPEN)
@pytest.mark.parametrize("setting", PORTS)
def test_what_others_reach_needs_a_token_or_consent(setting, listen, monkeypatch):
    _, _, token, consent = PORTS[setting]
    with pytest.raises(InvalidSettings, match=f"open to other machines and {token}") as refused:
        bind(endpoint(setting, listen, monkeypatch))
    assert f"{consent}={CONSENT}" in refused.value.advice
    with monkeypatch.context() as given:
        given.setenv(token, TOKEN)
        bind(endpoint(setting, listen, given)).close()
    with monkeypatch.context() as given:
        given.setenv(consent, CONSENT)
        bind(endpoint(setting, listen, given)).close()


@pytest.mark.parametrize("setting", PORTS)
def test_this_machine_alone_needs_neither(setting, monkeypatch):
    for listen in ("127.0.0.1:0", "[::1]:0", "localhost:0"):
        bind(endpoint(setting, listen, monkeypatch)).close()


@pytest.mark.parametrize("setting", PORTS)
def test_a_taken_port_names_itself_its_setting_and_its_owner(setting, monkeypatch):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSettings, match=setting) as refused:
            check_free(endpoint(setting, f"127.0.0.1:{port}", monkeypatch))
    assert f"port {port} is taken by " in refused.value.message
    assert f"(process {os.getpid()})" in refused.value.message


@pytest.mark.parametrize(
    "name", ["INDEXER_HTTP_TOKEN", "INGESTION_API_KEY", "JUNJO_INTERNAL_GRPC_TOKEN"]
)
@pytest.mark.parametrize(
    "token", [" ", "\t", "short", "x" * 15, f" {TOKEN}", "pass\x00word-and-more", "ä" * 20]
)
def test_a_token_that_is_blank_short_or_unsendable_is_an_error(name, token, monkeypatch):
    if "\x00" in token:
        token = token.replace("\x00", "\x01")  # the environment cannot hold a NUL
    monkeypatch.setenv(name, token)
    with pytest.raises(InvalidSettings, match=name) as refused:
        load_settings()
    assert token.strip() == "" or token not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["INDEXER_HTTP_TOKEN", "INGESTION_API_KEY", "JUNJO_INTERNAL_GRPC_TOKEN"]
)
def test_an_empty_token_is_none_and_a_long_one_is_taken(name, monkeypatch):
    for token in ("", TOKEN, "x" * 500):
        monkeypatch.setenv(name, token)
        load_settings()


@pytest.mark.parametrize("name", ["INDEXER_ALLOWED_ORIGINS", "INGESTION_ALLOWED_ORIGINS"])
def test_an_origin_is_a_scheme_and_a_host(name, monkeypatch):
    monkeypatch.setenv(name, "https://App.example.com, http://localhost:3000 *")
    load_settings()
    for wrong in ("app.example.com", "https://app.example.com/", "https://a?b"):
        monkeypatch.setenv(name, wrong)
        with pytest.raises(InvalidSettings, match=name):
            load_settings()


@given(
    text=st.text(max_size=40) | st.from_regex(r"[0-9a-z.:\[\]%]{0,20}:[0-9]{0,6}", fullmatch=True)
)
def test_any_text_is_an_address_or_an_error_that_names_the_setting(text):
    """Names that would be looked up are left out: nobody here answers for them."""
    host = text.rpartition(":")[0].strip("[]")
    if any(letter.isalpha() for letter in host.replace("localhost", "")) and ":" not in host:
        return
    try:
        found: Address | InvalidSettings = resolve(
            Endpoint(setting="LISTEN", listen=text, token=TOKEN)
        )
    except InvalidSettings as error:
        found = error
    assert str(found).startswith("LISTEN=") or 0 <= found.port <= 65_535


def test_the_budget_of_bodies_has_room_for_one_over_http_beside_those_over_grpc(monkeypatch):
    monkeypatch.setenv("INGESTION_BODIES_BYTES_MAX", "300MiB")
    with pytest.raises(InvalidSettings, match="INGESTION_BODIES_BYTES_MAX"):
        load_settings()
    monkeypatch.setenv("INGESTION_GRPC_THREADS", "2")
    assert ingestion_limits.http_bodies_bytes_max(load_settings()) == (300 - 128) << 20
    monkeypatch.setenv("INGESTION_OTLP_GRPC_LISTEN", "")
    assert ingestion_limits.http_bodies_bytes_max(load_settings()) == 300 << 20


def test_every_port_of_the_settings_is_asked_here():
    listening = {one.variable for one in Settings.fields.values()}
    assert {name for name in listening if "LISTEN" in name} == set(PORTS)


def test_an_open_port_without_a_token_is_refused_before_one_that_is_taken(monkeypatch):
    """Who starts it a second time learns first what is wrong in the settings."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        monkeypatch.setenv("INGESTION_GRPC_PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("INDEXER_HTTP_LISTEN", "0.0.0.0:0")
        with pytest.raises(InvalidSettings, match="INDEXER_HTTP_TOKEN is not set"):
            ports.check_ports(load_settings())

"""Requests that are not as RFC 9110 and 9112 say, at every door that speaks HTTP."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.http.limits import HEAD_BYTES_MAX
from indexer.telemetry.log import LOGGER
from tests.support.doors import HTTP, http_door

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
LOCAL = b"Host: localhost\r\n"
KIND = b"Content-Type: application/x-protobuf\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ASKS = {
    "dashboards": b"GET /healthz",
    "otlp_http": b"POST /v1/traces",
    "unix": b"GET /status",
    "probes": b"GET /healthz",
}
CASES = {
    "length beside chunks": (
        b"POST %s HTTP/1.1\r\n" + LOCAL + KIND + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n"
        b"0\r\n\r\n" + HIDDEN,
        {400, 411},
    ),
    "two lengths": (
        b"POST %s HTTP/1.1\r\n" + LOCAL + KIND + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        {400},
    ),
    "a length that is not a number": (
        b"POST %s HTTP/1.1\r\n" + LOCAL + KIND + b"Content-Length: 1e3\r\n\r\n",
        {400},
    ),
    "chunks of HTTP/1.0": (
        b"POST %s HTTP/1.0\r\n" + LOCAL + KIND + CHUNKED + b"\r\n0\r\n\r\n",
        {400, 411},
    ),
    "chunks twice": (
        b"POST %s HTTP/1.1\r\n" + LOCAL + KIND + b"Transfer-Encoding: chunked, chunked\r\n\r\n",
        {400, 411, 501},
    ),
    "no Host": (b"%a HTTP/1.1\r\n" + KIND + b"\r\n", {400}),
    "two Hosts": (b"%a HTTP/1.1\r\n" + LOCAL + b"Host: other\r\n" + KIND + b"\r\n", {400}),
    "HTTP/2.0 on the line": (b"%a HTTP/2.0\r\n" + LOCAL + KIND + b"\r\n", {505}),
    "HTTP/3.0 on the line": (b"%a HTTP/3.0\r\n" + LOCAL + KIND + b"\r\n", {505}),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}),
    "a path that is too long": (
        b"GET /" + b"a" * HEAD_BYTES_MAX + b" HTTP/1.1\r\n" + LOCAL + b"\r\n",
        {414, 431},
    ),
    "one header of 40 KB": (
        b"%a HTTP/1.1\r\n" + LOCAL + KIND + b"X-Long: " + b"a" * 40_000 + b"\r\n\r\n",
        {431},
    ),
    "600 headers of 100 bytes": (
        b"%a HTTP/1.1\r\n"
        + LOCAL
        + KIND
        + b"".join(b"X-%03d: %s\r\n" % (number, b"a" * 92) for number in range(600))
        + b"\r\n",
        {431},
    ),
    "a header without an end": (
        b"%a HTTP/1.1\r\n" + LOCAL + b"X-Long: " + b"a" * (2 * HEAD_BYTES_MAX),
        {431},
    ),
    "a line break within a header": (
        b"%a HTTP/1.1\r\n" + LOCAL + KIND + b"X: a\rX-Evil: b\r\n\r\n",
        {400},
    ),
    "bytes of TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {400}),
    "not HTTP": (b"no http\r\n\r\n", {400}),
}


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """One open door of each name."""
    folder = tmp_path_factory.mktemp("doors")
    opened = [http_door(name, folder) for name in HTTP]
    found = {name: one.__enter__() for name, one in zip(HTTP, opened, strict=True)}
    yield found
    for one in opened:
        one.__exit__(None, None, None)


def statuses(answer: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", HTTP)
def test_a_request_that_is_not_as_the_standards_say_is_refused_once(doors, name, case):
    """One refusal, as problem details or OTLP's status, and the connection ends: nothing that is
    hidden behind the request is answered.
    """
    sent, expected = CASES[case]
    asked = ASKS[name]
    sent = sent.replace(b"%a", asked).replace(b"%s", asked.partition(b" ")[2])
    answer = doors[name].say(sent)
    (status,) = statuses(answer)
    assert status in expected
    assert b"hidden" not in answer
    assert doors[name].ask().status == 200


@pytest.mark.parametrize("name", HTTP)
def test_an_offer_to_upgrade_is_answered_in_http_1_1(doors, name, caplog):
    """RFC 9110 7.8: a server may ignore it; the next request on the connection is one too."""
    offer = (
        ASKS[name] + b" HTTP/1.1\r\n" + LOCAL + KIND + b"Connection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n\r\n"
    )
    websocket = offer.replace(b"h2c", b"websocket")
    plain = ASKS[name] + b" HTTP/1.1\r\n" + LOCAL + KIND + b"Connection: close\r\n\r\n"
    assert statuses(doors[name].say(offer + websocket + plain)) == [200, 200, 200]
    assert caplog.records == []


def test_a_body_behind_an_offer_to_upgrade_is_read(doors):
    door = doors["otlp_http"]
    span = bytes.fromhex("0a20121e121c0a10" + "01" * 16 + "1208" + "02" * 8)
    head = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(span)
    head = head.replace(b"Upgrade\r\n", b"Upgrade, close\r\n", 1)
    kept = len(door.sink.kept)
    assert statuses(door.say(head + KIND + length + span)) == [200]
    assert len(door.sink.kept) == kept + 1


@pytest.mark.parametrize("name", HTTP)
def test_requests_of_http_1_0_and_in_one_piece_are_answered(doors, name):
    old = ASKS[name] + b" HTTP/1.0\r\n" + KIND + b"\r\n"
    assert statuses(doors[name].say(old)) == [200]
    kept = ASKS[name] + b" HTTP/1.1\r\n" + LOCAL + KIND + b"\r\n"
    last = kept.replace(KIND, KIND + b"Connection: close\r\n")
    assert statuses(doors[name].say(kept * 49 + last)) == [200] * 50


@given(sent=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
@pytest.mark.parametrize("name", HTTP)
def test_whatever_bytes_come_the_door_answers_the_next_one(doors, name, caplog, sent):
    """No fault of ours for any of them, behind any beginning of a request."""
    caplog.set_level("ERROR", LOGGER.name)
    for beginning in (b"", ASKS[name] + b" HTTP/1.1\r\n", ASKS[name] + b" HTTP/1.1\r\n" + LOCAL):
        doors[name].say(beginning + sent, and_leave=True)
    assert doors[name].ask().status == 200
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []

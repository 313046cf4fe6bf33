"""Hostile clients against a real worker over TCP: each is refused or ended, and nothing else is.

After every one of them the same worker still answers and still indexes.
"""

import itertools
import socket

import pytest

from indexer.clients.application import BODY_BYTES_MAX
from indexer.http.limits import HEAD_BYTES_MAX, ConnectionLimits
from tests.support.processes import Site, wait_until
from tests.support.span_files import spans
from tests.support.tcp import Dashboards, read_all

pytestmark = [pytest.mark.process]

HEAD = b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
PATIENCE_S = 100 + ConnectionLimits().head_s
IDLE = 100
TARGETS = [
    b"/..%2f..%2fetc%2fpasswd",
    b"/../../etc/passwd",
    b"/status/%2e%2e/%2e%2e/etc/passwd",
    b"//etc/passwd",
    b"/%00",
    b"/status%00",
    b"/%ff%fe%80",
    b"/%c0%ae%c0%ae/",
    b"/%ed%a0%80",
    b"/%",
    b"/%zz",
    b"/\\..\\..",
    b"/" + b"a/" * 8000,
    b"/" + b"%41" * 8000,
]
NO_HEADERS = [
    b"X: a\rX-Evil: b",
    b"X: a\nb",
    b"X: a\x00b",
    b"X Y: a",
    b": a",
    b"Content-Length: 1\r\nContent-Length: 2",
    b"Content-Length: -1",
    b"Content-Length: 1e3",
    b"Host: second",
]
NO_HTTP = [
    b"\x16\x03\x01\x02\x00\x01",
    b"\x00" * 5000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /status\r\n\r\n",
    b"GET /status HTTP/9.9\r\n\r\n",
]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("hostile"))
    try:
        site.worker()
        yield site
    finally:
        site.close()


@pytest.fixture
def served(attacked):
    """The service; after the test the worker has to answer, to index and to say nothing of faults."""
    served = Dashboards(attacked)
    (worker,) = attacked._started
    before, served.expected_events = len(worker.events), set()
    yield served
    assert served.get("/healthz").code == 200
    files = attacked.status()["files"] + 1
    attacked.write(f"after-{files}.parquet", spans(1, trace=files))
    attacked.wait_files(files)
    assert [line for line in worker.err.splitlines() if not line.startswith("{")] == []
    loud = [one for one in worker.events[before:] if one["level"] in {"warning", "error"}]
    assert [one for one in loud if one["event"] not in served.expected_events] == []


def code(answer: bytes) -> int:
    """The status of the first answer; 0 when the connection ended without one."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def test_a_path_leads_to_a_route_or_nowhere(served):
    """Dots, encoded slashes, NUL, what is no UTF-8, and more segments than anybody has."""
    for target in TARGETS:
        answer = served.raw(HEAD % target + b"\r\n")
        assert code(answer) == 404, target
        assert b"application/problem+json" in answer
        assert len(answer) < 1000


def test_a_path_that_is_too_long_is_refused(served):
    """In one piece, and in one that never ends."""
    assert code(served.raw(HEAD % (b"/" + b"a" * HEAD_BYTES_MAX) + b"\r\n")) == 414
    with served.connected() as connection:
        endless = itertools.chain([b"GET /"], itertools.repeat(b"a" * 65_536))
        assert code(_until_ended(connection, endless)) in {0, 431}


def test_a_header_that_is_none_is_refused(served):
    """Line ends and NUL within one, names that are none, lengths that contradict each other."""
    for line in NO_HEADERS:
        answer = served.raw(HEAD % b"/status" + line + b"\r\n\r\n")
        assert code(answer) in {400, 413}, line
        assert b"application/problem+json" in answer
        assert b"X-Evil: b" not in answer


def test_a_header_that_a_proxy_would_send_changes_nothing(served):
    for line in (b"X-Forwarded-For: 10.0.0.1", b"X-Forwarded-Proto: \xff\xfe"):
        assert code(served.raw(HEAD % b"/status" + line + b"\r\n\r\n")) == 200


def test_nothing_that_was_sent_comes_back_as_a_header(served):
    answer = served.raw(HEAD % b"/x%0d%0aX-Evil:%20b" + b"\r\n")
    assert code(answer) == 404
    head, _, _ = answer.partition(b"\r\n\r\n")
    assert b"Evil" not in head


def test_headers_that_are_too_large_or_too_many_are_refused(served):
    """Large at once, many at once, and without an end."""
    large = b"X: " + b"a" * HEAD_BYTES_MAX + b"\r\n"
    many = b"".join(b"X-%d: a\r\n" % number for number in range(5000))
    assert code(served.raw(HEAD % b"/status" + large + b"\r\n")) == 431
    assert code(served.raw(HEAD % b"/status" + many + b"\r\n")) == 431
    with served.connected() as connection:
        connection.sendall(HEAD % b"/status")
        endless = (b"X-%d: %s\r\n" % (number, b"a" * 8000) for number in itertools.count())
        assert code(_until_ended(connection, endless)) in {0, 431}


def test_parameters_that_nobody_asked_for_are_refused_or_change_nothing(served):
    """By a route of our own, or by one of a dialect, which follows its client."""
    pairs = b"&".join(b"depth=%d" % number for number in range(2000))
    odd = b"x=%ff%00" + b"&" * 1000
    for asked in (pairs, odd):
        assert code(served.raw(HEAD % (b"/status?" + asked) + b"\r\n")) == 422
        theirs = b"/otel/span_service_names?" + asked
        assert code(served.raw(HEAD % theirs + b"\r\n")) == 200


def test_a_method_that_a_route_does_not_have_is_refused(served):
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/status", "/healthz", "/metrics"):
            said = served.request(method, path)
            assert (said.code, said.headers["allow"]) == (405, "GET"), (method, path)


def test_a_method_that_is_none_of_http_s_is_refused(served):
    for method in (b"TRACE", b"CONNECT", b"BREW", b"get", b"G\x01T", b""):
        sent = method + b" /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert code(served.raw(sent)) in {400, 405}, method


def test_a_body_where_none_belongs_is_refused_and_not_waited_for(served):
    for said in (b"Content-Length: 5\r\n", b"Content-Length: %d\r\n" % 10**30):
        answer = served.raw(b"GET /status HTTP/1.1\r\nHost: localhost\r\n" + said + b"\r\n")
        assert code(answer) in {400, 413}
    chunked = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert code(served.raw(b"GET /status HTTP/1.1\r\nHost: localhost\r\n" + chunked)) == 411
    large = b"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
    assert code(served.raw(large % (BODY_BYTES_MAX + 1))) == 413


def test_a_body_that_never_ends_ends_the_connection(served):
    with served.connected() as connection:
        connection.sendall(
            b"POST /status HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        endless = itertools.repeat(b"10000\r\n" + b"a" * 65_536 + b"\r\n")
        assert code(_until_ended(connection, endless)) in {0, 411}


def test_a_request_hidden_in_another_one_is_not_answered(served):
    """Both lengths at once, the classic of smuggling."""
    answer = served.raw(
        b"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n"
        b"Host: localhost\r\nConnection: close\r\n\r\n"
    )
    assert b"span_indexer" not in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_what_is_no_http_is_refused(served):
    for sent in NO_HTTP:
        with served.connected() as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert code(read_all(connection)) in {0, 400, 431, 505}, sent


def test_requests_in_one_piece_are_answered_in_their_order(served):
    """Pipelined, more of them than anybody sends."""
    one, other = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for path in ("/healthz", "/no")
    )
    answer = served.raw((one + other) * 100 + HEAD % b"/healthz" + b"\r\n")
    codes = [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert codes == [200, 404] * 100 + [200]


def test_a_client_that_goes_before_its_answer_is_no_matter(served):
    """Busy at worst, while fifty questions are told to end; then there is room as before."""
    served.expected_events = {"http.refused_for_now"}
    for _ in range(50):
        with served.connected() as connection:
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
    codes = []

    def answered() -> bool:
        codes.append(served.get("/status").code)
        return codes[-1] == 200

    wait_until(answered, "room again")
    assert set(codes) <= {200, 503}


def test_a_client_that_takes_its_time_is_ended(served):
    """Nothing at all, a byte at a time, half a head, half a body; others are answered meanwhile."""
    begun = [
        b"",
        b"G",
        b"GET /status HTTP/1.1\r\nHost: local",
        b"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
    ]
    slow = set()
    for sent in begun:
        connection = socket.create_connection(served.address)
        connection.sendall(sent)
        connection.setblocking(False)
        slow.add(connection)

    def all_ended() -> bool:
        for connection in [one for one in slow if _has_ended(one)]:
            slow.discard(connection)
            connection.close()
        assert served.get("/healthz").code == 200
        return not slow

    wait_until(all_ended, "the end of every slow connection", deadline_s=PATIENCE_S)


def test_idle_connections_keep_nobody_out(served):
    """A hundred of them; then more than there is room for, whose oldest give way."""
    idle = [socket.create_connection(served.address) for _ in range(IDLE)]
    assert served.get("/status").code == 200
    idle += [
        socket.create_connection(served.address) for _ in range(ConnectionLimits().connections)
    ]
    for _ in range(10):
        assert served.get("/status").code == 200
    for connection in idle:
        connection.close()


def _until_ended(connection, parts):
    """Send until the other side ends it; what it said."""
    connection.settimeout(100)
    try:
        for part in parts:
            connection.sendall(part)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it was ended while we sent, as the test expects; what was said before is read
    return read_all(connection)


def _has_ended(connection):
    """One more byte, and whether the other side has ended the connection."""
    try:
        connection.send(b"a")
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except (BrokenPipeError, ConnectionResetError):
        return True
    return True

"""An answer is taken as RFC 9112 frames it, and one that breaks off is never taken for whole."""

import socket
import threading

import pytest

from indexer.clients.local_http import LINE_BYTES_MAX, LINES_MAX, BrokenAnswer, ask

OK = b"HTTP/1.1 200 OK\r\n"


def answered(content, *, method="GET", parts=1):
    """What a server that sends this content, in so many parts, is understood to say."""
    ours, theirs = socket.socketpair()

    def serve():
        with theirs:
            theirs.recv(65_536)
            size = max(1, -(-len(content) // parts))
            for at in range(0, len(content), size):
                theirs.sendall(content[at : at + size])

    server = threading.Thread(target=serve)
    server.start()
    with ours:
        try:
            answer = ask(ours, method, "/status?a=b")
            return answer.status, answer.read()
        finally:
            ours.close()
            server.join()


@pytest.mark.parametrize("parts", [1, 30])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", (200, b"hello")),
        (OK + b"content-length:0\r\n\r\n", (200, b"")),
        (b"HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno", (404, b"no")),
        (OK + b"\r\nuntil the end", (200, b"until the end")),
        (
            OK
            + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nB\r\n, two parts\r\n0\r\n\r\n",
            (200, b"hello, two parts"),
        ),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", (200, b"")),
    ],
)
def test_a_body_has_a_length_chunks_or_the_end_of_the_connection(content, expected, parts):
    assert answered(content, parts=parts) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        OK + b"Content-Length: -5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\n\r\nhell",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhell",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        OK + b"A: " + b"x" * LINE_BYTES_MAX + b"\r\n\r\n",
        OK + b"A: b\r\n" * LINES_MAX + b"\r\n",
    ],
)
def test_what_is_no_answer_or_breaks_off_is_an_error(content):
    with pytest.raises(BrokenAnswer):
        answered(content)


def test_lines_come_as_they_are_sent():
    """An event of a stream is there before the stream ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\na\nb\n\r\n")
        lines = ask(ours, "GET", "/").lines()
        assert [next(lines), next(lines)] == [b"a", b"b"]
        theirs.sendall(b"3\r\nc\nd\r\n0\r\n\r\n")
        assert list(lines) == [b"c", b"d"]


def test_a_target_that_is_not_ascii_is_never_sent():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(UnicodeEncodeError):
        ask(ours, "GET", "/é")

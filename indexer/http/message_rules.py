"""What any request has to be, whoever sends it: one that ends where every reader says it does.

A head or a body of which that cannot be said ends its connection.
"""

from starlette.datastructures import Headers
from starlette.types import Scope

from indexer.http.refusals import Refusal, closing_refusal

_VERSIONS = frozenset({"1.0", "1.1"})
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def check_head(scope: Scope, headers: Headers, head_bytes_max: int) -> Refusal | None:
    """RFC 9112 2.3, 3.2 and 6.3: the version, one ``Host``, one way to say where a body ends."""
    if scope["http_version"] not in _VERSIONS:
        return closing_refusal(505, "HTTP Version Not Supported", "expected HTTP/1.1")
    said = f"expected up to {head_bytes_max} bytes"
    if has_long_target(scope, head_bytes_max):
        return closing_refusal(414, "URI Too Long", said)
    if header_bytes(scope) > head_bytes_max:
        return closing_refusal(431, "Request Header Fields Too Large", said)
    return _check_framing(scope, headers)


def check_body(
    scope: Scope, headers: Headers, bytes_max: int, *, may_be_chunked: bool
) -> Refusal | None:
    """A body that is too large, or that its method has no use for, is not read."""
    method = scope["method"]
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers and not may_be_chunked:
        return closing_refusal(411, "Length Required", "a body needs a Content-Length")
    if not (length.isascii() and length.isdecimal()):
        return closing_refusal(400, "Bad Request", "Content-Length is not a number")
    if int(length) > bytes_max:
        said = f"expected a body of up to {bytes_max} bytes"
        return Refusal(status=413, title="Content Too Large", detail=said)
    if method in _BODILESS and (int(length) or "transfer-encoding" in headers):
        return closing_refusal(413, "Content Too Large", f"{method} takes no body")
    return None


def has_long_target(scope: Scope, head_bytes_max: int) -> bool:
    """Whether path and query are longer than a head may be."""
    length: int = len(scope["raw_path"]) + len(scope["query_string"])
    return length > head_bytes_max


def header_bytes(scope: Scope) -> int:
    """Of names and values alone."""
    return sum(len(name) + len(value) for name, value in scope["headers"])


def _check_framing(scope: Scope, headers: Headers) -> Refusal | None:
    """A request with both a length and chunks is how another one is hidden from a proxy."""
    hosts = headers.getlist("host")
    if len(hosts) > 1 or (not hosts and scope["http_version"] != "1.0"):
        return closing_refusal(400, "Bad Request", f"expected one Host, got {len(hosts)}")
    if "transfer-encoding" in headers and "content-length" in headers:
        return closing_refusal(
            400, "Bad Request", "a body has either a Content-Length or chunks, not both"
        )
    if "transfer-encoding" in headers and scope["http_version"] == "1.0":
        return closing_refusal(400, "Bad Request", "chunks need HTTP/1.1")
    return None

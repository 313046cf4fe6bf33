"""A trace, and the latest roots of a service, as front ends ask for them again and again.

The same answers as those of ``questions``, for requests that ask for nothing else.
"""

import re
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.junjo.dialect import Dialect
from indexer.clients.junjo.paging import Paging
from indexer.clients.junjo.questions import newest_first, respond_page
from indexer.clients.junjo.traces import CHARS_MAX, respond_trace
from indexer.clients.shared.direct_routes import DirectPath
from indexer.query.span_cache import EncodedSpanCache
from indexer.query.window import ANY_TIME

_LIMIT = re.compile(rb"limit=([1-9][0-9]{0,5})")


def direct_paths(
    dialect: Dialect, host: Host, encoding: EncodedSpanCache, prefix: str = ""
) -> Iterator[DirectPath]:
    """Of one dialect, below a prefix."""

    async def trace(request: Request, trace_id: str) -> Response:
        return await respond_trace(
            host, request, newest_first, trace_id, encoding=encoding, is_brief=True
        )

    async def roots(request: Request, service: str) -> Response:
        limit = _limit(request.scope["query_string"], dialect.limits.roots)
        part = Paging(request=request, within=ANY_TIME, limit=limit, offset=0, cursor=None)
        filters: dict[str, Any] = {"service": service, "roots": True}
        filters |= {"llm": False, "llm_in_service": False}
        return await respond_page(host, encoding, part, is_brief=True, **filters)

    def is_empty(query_string: bytes) -> bool:
        return not query_string

    def is_limit(query_string: bytes) -> bool:
        given = _limit(query_string, dialect.limits.roots)
        return 0 < given <= dialect.limits.most

    for template in dialect.paths.trace:
        yield DirectPath(
            path_format=prefix + template, accepts=is_empty, answer=trace, chars_max=CHARS_MAX
        )
    for template in (*dialect.paths.roots, *dialect.paths.roots_or_llm_roots):
        yield DirectPath(
            path_format=prefix + template.replace(":text}", "}"),
            accepts=is_limit,
            answer=roots,
            chars_max=CHARS_MAX,
        )


def _limit(query_string: bytes, default: int) -> int:
    """Spans that are asked for; 0 where the query string says anything else."""
    if not query_string:
        return default
    found = _LIMIT.fullmatch(query_string)
    return int(found[1]) if found else 0

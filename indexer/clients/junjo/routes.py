"""Junjo's REST API, as its own front ends ask it: every dialect under a prefix, one without.

A front end that is given ``http://host:port/junjo/0.80`` as its ``API_HOST`` finds its dialect
there. Where dialects give different bodies on one path, a setting says which one has it bare.
"""

from fastapi import APIRouter

from indexer.clients.host import Host
from indexer.clients.junjo.dialects import DIALECTS, bare_dialect
from indexer.clients.junjo.direct_questions import direct_paths
from indexer.clients.junjo.encoded_spans import encoder_of
from indexer.clients.junjo.questions import question_routes
from indexer.clients.junjo.sign_in import sign_in_routes
from indexer.clients.shared.direct_routes import DirectPath
from indexer.clients.shared.prefix_router import PrefixRouter
from indexer.clients.shared.text_path import register
from indexer.query.span_cache import CACHE_BYTES_MAX, EncodedSpanCache


def junjo(
    host: Host,
    *,
    bare: str = "",
    sign_in: bool = False,
    span_cache_bytes: int = CACHE_BYTES_MAX,
) -> APIRouter:
    """The router over one worker; ``bare`` is a dialect's version, or empty for the newest.

    With ``sign_in`` a front end needs no other back end to sign in.

    Raises InvalidSettings for a version that it is not.
    """
    register()
    router = PrefixRouter(tags=["junjo"])
    chosen = bare_dialect(bare)
    router.include_router(sign_in_routes(host, is_on=sign_in))
    encoding = EncodedSpanCache(encoder_of(chosen), bytes_max=span_cache_bytes, as_stored=True)
    direct: list[DirectPath] = []
    for dialect in DIALECTS:
        cache = encoding if dialect is chosen else encoding.beside(encoder_of(dialect))
        router.include_router(sign_in_routes(host, is_on=sign_in, prefix=dialect.prefix))
        router.include_router(question_routes(dialect, host, cache, dialect.prefix))
        direct += direct_paths(dialect, host, cache, dialect.prefix)
        if dialect is chosen or dialect.is_always_bare:
            router.include_router(question_routes(dialect, host, cache))
            direct += direct_paths(dialect, host, cache)
    router.direct = tuple(direct)
    return router

"""Who may ask the worker over HTTP, and over how many connections, as the settings say."""

from indexer.clients.application import BODY_BYTES_MAX, EXPOSED_HEADERS, OPEN_PATHS
from indexer.http.admission import Admission
from indexer.http.hosts import NamePolicy
from indexer.http.limits import ConnectionLimits
from indexer.settings import Settings
from indexer.settings.values import name_set


def dashboards_admission(settings: Settings) -> Admission:
    """Without a token only local names are let in, whatever the address."""
    token = settings.http_token.get_secret_value()
    return Admission(
        names=NamePolicy(
            local_only=not token,
            hosts=name_set(settings.http_allowed_hosts),
            origins=name_set(settings.http_allowed_origins),
        ),
        token=token,
        open_paths=OPEN_PATHS,
        body_bytes_max=BODY_BYTES_MAX,
        body_bytes_max_by_ending=_of_mastra() if settings.mastra_path else {},
        exposed_headers=EXPOSED_HEADERS,
    )


def _of_mastra() -> dict[str, int]:
    from indexer.clients.mastra import publish, queries  # noqa: PLC0415 - loads its whole store

    sizes = dict.fromkeys(queries.PATH_ENDINGS, queries.BODY_BYTES_MAX)
    return {publish.PATH_ENDING: publish.BODY_BYTES_MAX, **sizes}


def dashboards_limits(settings: Settings) -> ConnectionLimits:
    """Limits of dashboards' connections."""
    return ConnectionLimits(connections=settings.http_connections)

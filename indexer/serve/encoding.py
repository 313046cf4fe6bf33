"""JSON with times as ISO 8601 in UTC: the same answer on the socket and over TCP."""

from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response


def encoded(content: Any) -> Response:
    """One answer."""
    return JSONResponse(_plain(content))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value

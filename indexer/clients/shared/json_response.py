"""JSON with times as ISO 8601 in UTC: the same answer on the socket and over TCP."""

import json
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse, Response


def encoded(content: Any) -> Response:
    """One answer."""
    return _Json(_plain(content))


class _Json(JSONResponse):
    """JSON in UTF-8, which has no lone surrogates: an answer with one is all in ASCII."""

    def render(self, content: Any) -> bytes:
        try:
            return super().render(content)
        except UnicodeEncodeError:
            return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    return value

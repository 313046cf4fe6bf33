"""What a path of Junjo's front ends asks of whoever asks it: the token, a session, or nothing."""

import re

from indexer.http.session import Access

SIGN_IN_PATHS = ("/sign-in", "/sign-out", "/users/db-has-users")
"""Asked by those who are not signed in yet."""
SESSION_PATHS = (
    *("/otel/", "/api/v1/observability/", "/api/v1/trace-evidence/"),
    *("/api/v1/agent-executions", "/api/v1/execution-resolution"),
    *("/auth-test", "/api/admin/flush-wal"),
)
"""Beginnings of what front ends ask with the cookie that they got."""
_PREFIX = re.compile(r"^/junjo/[^/]+(?=/)")


def access(path: str) -> Access:
    """Of a path with or without the prefix of a dialect; any other asks for the token."""
    bare = _PREFIX.sub("", path)
    if bare in SIGN_IN_PATHS:
        return Access.ANYBODY
    return Access.SESSION if bare.startswith(SESSION_PATHS) else Access.TOKEN

"""What Junjo's front ends ask before any page: is somebody signed in, and by which password.

The password is the token of the dashboards; users there are none. Where the setting does not turn
it on, each is a 404 that says so: sign-in is then of whatever serves the front end.
"""

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from indexer.clients.host import Host
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.prefix_router import PrefixRouter
from indexer.errors import HotUnavailable, Unauthorized
from indexer.http.problems import problem
from indexer.http.session import Sessions

PASSWORD_CHARS_MAX = 1_024
"""Far longer than any token."""
EMAIL_CHARS_MAX = 320
"""RFC 3696, erratum 1690: 64 before the sign, 255 after it."""
_GET = ("/auth-test", "/users/db-has-users")
_POST = ("/sign-in", "/sign-out", "/api/admin/flush-wal")
_HINT = "INDEXER_JUNJO_SIGN_IN=true lets a front end sign in here, with the token as password."


class Credentials(BaseModel):
    """The form of a front end; whose email address it is makes no difference."""

    email: str = Field("", max_length=EMAIL_CHARS_MAX)
    password: str = Field(max_length=PASSWORD_CHARS_MAX)


def sign_in_routes(host: Host, *, is_on: bool, prefix: str = "") -> APIRouter:
    """The routes; off, each says what turns it on. Not described: they are of front ends alone."""
    router = PrefixRouter(prefix=prefix, include_in_schema=False)
    if is_on:
        _sign_in(router)
        _flush(router, host)
        return router
    for path in _GET:
        router.get(path)(_absent)
    for path in _POST:
        router.post(path)(_absent)
    return router


async def _absent() -> Response:
    return problem(404, "Not Found", "signing in is not turned on here", hint=_HINT)


def _sign_in(router: APIRouter) -> None:
    @router.get("/users/db-has-users")
    async def has_users() -> dict[str, bool]:
        """That there is somebody to sign in, under the names of all releases."""
        return {"users_exist": True, "usersExist": True}

    @router.get("/auth-test")
    async def auth_test() -> dict[str, bool]:
        """Answered to whoever is signed in; all others are refused before."""
        return {"signed_in": True}

    @router.post("/sign-in")
    async def sign_in(request: Request, given: Credentials) -> Response:
        """Begin a session. Raises Unauthorized for another password than the token."""
        sessions: Sessions = request.app.state.sessions
        if not sessions.accepts(given.password):
            raise Unauthorized("the password is not the token", hint="Give INDEXER_HTTP_TOKEN.")
        return _with_cookie(request, "signed in", sessions.begin())

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        """Forget the session in this browser."""
        return _with_cookie(request, "signed out", "")


def _flush(router: APIRouter, host: Host) -> None:
    @router.post("/api/admin/flush-wal")
    async def flush_wal() -> Response:
        """Put what is hot into files; whether that was done, in words as well."""
        try:
            await host.flush()
        except HotUnavailable as error:
            return _done(success=False, message=error.message)
        return _done(success=True, message="what was hot is in files")


def _with_cookie(request: Request, message: str, value: str) -> Response:
    sessions: Sessions = request.app.state.sessions
    answer = _done(success=True, message=message)
    answer.headers["set-cookie"] = sessions.set_cookie(request.scope, value)
    return answer


def _done(*, success: bool, message: str) -> Response:
    body = as_json({"success": success, "message": message})
    return Response(body, media_type="application/json")

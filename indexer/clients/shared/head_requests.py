"""HEAD is answered wherever GET is, with the same head and without the body (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NO_BODY: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class HeadAsGet:
    """An ASGI middleware around the routes: they see GET, and the client gets their head alone.

    The answer is over with its head, so that a stream, which has no end of its own, sees its
    client gone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server keeps the method of the request in a scope of its own."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send(_NO_BODY)

        await self._app({**scope, "method": "GET"}, receive, send_head)

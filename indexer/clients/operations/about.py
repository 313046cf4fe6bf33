"""What a person finds who opens the worker in a browser: what it is, and every route of it.

The page is made of the OpenAPI document and loads nothing, from here or from elsewhere.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from indexer import __version__

_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
    "code{font-size:.95em}summary{cursor:pointer}"
)


def about() -> APIRouter:
    """The routes."""
    router = APIRouter()

    @router.get("/")
    async def root() -> dict[str, str]:
        """What this service is, and where its routes are described."""
        return {
            "service": "span-indexer",
            "version": __version__,
            "about": "answers questions about OpenTelemetry spans in Parquet files",
            "docs": "/docs",
            "openapi": "/openapi.json",
        }

    @router.get("/docs", response_class=HTMLResponse)
    async def docs(request: Request) -> Response:
        """Every route with its parameters, as a page that loads nothing else."""
        return HTMLResponse(docs_page(request.app.openapi()), headers=_HEADERS)

    return router


def docs_page(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    routes = "".join(
        _route(method.upper(), path, said)
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<style>{_STYLE}</style><h1>{title}</h1><p>{escape(info['description'])}</p>"
        f"<p>The same for programs: <a href=/openapi.json>openapi.json</a></p>{routes}</html>"
    )


def _route(method: str, path: str, said: Mapping[str, Any]) -> str:
    name = f"<code>{method} {escape(path)}</code>"
    text = escape(said.get("description") or said.get("summary", ""))
    rows = "".join(_parameters(said))
    table = f"<table>{rows}</table>" if rows else ""
    is_plain = method == "GET" and "{" not in path
    link = f'<p><a href="{escape(path)}">ask it</a></p>' if is_plain else ""
    return f"<details><summary>{name}</summary><p>{text}</p>{table}{link}</details>"


def _parameters(said: Mapping[str, Any]) -> Iterator[str]:
    for one in said.get("parameters", ()):
        kinds = [kind.get("type", "") for kind in one["schema"].get("anyOf", [one["schema"]])]
        kind = escape(" or ".join(kind for kind in kinds if kind))
        meaning = escape(one.get("description", ""))
        yield f"<tr><td><code>{escape(one['name'])}</code><td>{kind}<td>{meaning}</tr>"

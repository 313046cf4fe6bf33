"""Which part of a list a request is for, within the limits of its dialect."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.requests import Request

from indexer.clients.shared.time_window import window
from indexer.deferred_dataclass import dataclass
from indexer.query.find.cursor import page_after
from indexer.query.find.span_query import OFFSET_MAX, SpanQuery
from indexer.query.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """A page, by counting or after a cursor."""

    request: Request
    within: Window
    limit: int
    offset: int
    cursor: str | None

    def query(self, **filters: Any) -> SpanQuery:
        """The page of a list with these filters. Raises QueryRefused for another's cursor."""
        query = SpanQuery(
            limit=self.limit,
            offset=self.offset,
            since_unix_nano=self.within.since_unix_nano,
            until_unix_nano=self.within.until_unix_nano,
            counted_from_unix_nano=self.within.counted_from_unix_nano,
            **filters,
        )
        return query if self.cursor is None else page_after(query, self.cursor)


def paging(default: int, most: int) -> Callable[..., Awaitable[Paging]]:
    """The dependency of a list's route: so many spans a page, at most so many."""

    async def page_of_request(
        request: Request,
        within: Annotated[Window, Depends(window)],
        limit: Annotated[int, Query(ge=1, le=most)] = default,
        offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
        cursor: Annotated[
            str | None, Query(description="What `X-Next-Cursor` of the page before said.")
        ] = None,
    ) -> Paging:
        return Paging(request=request, within=within, limit=limit, offset=offset, cursor=cursor)

    return page_of_request

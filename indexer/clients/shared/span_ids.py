"""IDs in the paths of this program's own routes, as their description has them."""

from typing import Annotated

from fastapi import Path

from indexer.clients.shared.text_limits import TEXT_CHARS_MAX

TraceId = Annotated[
    str,
    Path(
        max_length=TEXT_CHARS_MAX,
        description="32 hex digits, the first 4 or more if no other trace begins so, up to 16 of "
        "a 64-bit ID, a UUID or a traceparent; not all zero.",
        examples=["0af7651916cd43dd8448eb211c80319c"],
        json_schema_extra={"pattern": "^([0-9a-fA-F]{1,16}|[0-9a-fA-F]{32})$"},
    ),
]
"""Text that cannot be one is refused where it is parsed, with 422."""

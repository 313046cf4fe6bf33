"""Which promoted attributes there are, and which of them a list rests on."""

import duckdb

from indexer.errors import QueryRefused
from indexer.query.find.span_query import SpanQuery
from indexer.spans.attributes import tells_llm_calls

KEYS = "SELECT key, key_id FROM promoted_attributes ORDER BY key"


def key_numbers(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The promoted attributes and their numbers in this catalog, by name."""
    return dict(cursor.execute(KEYS).fetchall())


def keys_of_query(cursor: duckdb.DuckDBPyConnection, query: SpanQuery) -> dict[str, int]:
    """Those that the list rests on. Raises QueryRefused without them."""
    if not query.llm and query.attribute is None:
        return {}
    numbers = key_numbers(cursor)
    keys = {}
    if query.llm:
        keys = {key: number for key, number in numbers.items() if tells_llm_calls(key)}
        if not keys:
            raise QueryRefused(
                "no promoted attribute identifies LLM calls",
                hint="Add openinference.span.kind or a gen_ai.* key to "
                "INDEXER_PROMOTED_ATTRIBUTES.",
            )
    if query.attribute is not None:
        if query.attribute not in numbers:
            raise QueryRefused(
                f"{query.attribute} is not a promoted attribute",
                hint=f"INDEXER_PROMOTED_ATTRIBUTES has {', '.join(numbers) or 'none'}; "
                "add it there.",
            )
        keys[query.attribute] = numbers[query.attribute]
    return keys

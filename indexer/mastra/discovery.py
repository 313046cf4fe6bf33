"""Which values a field has in the store: what a page offers to choose from."""

from typing import Literal

from indexer.mastra.database import Database

VALUES_MAX = 1_000
"""Of one field: more than a list on a page can show."""
Field = Literal["entity_type", "entity_name", "service_name", "environment"]


def values(database: Database, field: Field, entity_type: str | None = None) -> list[str]:
    """Values that spans have in the field, in order."""
    where = f"{field} IS NOT NULL AND created_at IS NOT NULL"
    parameters = {}
    if entity_type is not None:
        where += " AND entity_type = $entity_type"
        parameters["entity_type"] = entity_type
    return _first(database, f"SELECT DISTINCT {field} FROM mastra_spans WHERE {where}", parameters)


def tags(database: Database, entity_type: str | None = None) -> list[str]:
    """Tags of spans, in order."""
    where, parameters = "created_at IS NOT NULL", {}
    if entity_type is not None:
        where += " AND entity_type = $entity_type"
        parameters["entity_type"] = entity_type
    sql = f"SELECT DISTINCT unnest(tags) FROM mastra_spans WHERE {where}"
    return _first(database, sql, parameters)


def _first(database: Database, sql: str, parameters: dict[str, str]) -> list[str]:
    with database.reading() as cursor:
        rows = cursor.execute(f"{sql} ORDER BY 1 LIMIT {VALUES_MAX}", parameters).fetchall()
    return [value for (value,) in rows]

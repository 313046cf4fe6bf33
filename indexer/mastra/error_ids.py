"""IDs of errors: Mastra's own where it has one, else formed as its stores form theirs."""

SPAN_ID_REQUIRED = "OBSERVABILITY_SPAN_ID_REQUIRED"
TRACE_ID_REQUIRED = "OBSERVABILITY_TRACE_ID_REQUIRED"
INVALID_DELTA_CURSOR = "OBSERVABILITY_INVALID_DELTA_CURSOR"
NOT_OPEN = "MASTRA_STORAGE_DUCKDB_NOT_OPEN"


def invalid_arguments(operation: str) -> str:
    """Of a call whose arguments are invalid; the operation as in ``LIST_TRACES``."""
    return f"MASTRA_STORAGE_DUCKDB_{operation}_INVALID_ARGUMENTS"

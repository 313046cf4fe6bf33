"""Tokens and costs of calls of models, out of the metrics that Mastra derives from spans.

The metrics are kept as they were received: of a nested context, where exporters write one, or flat.
"""

TOKENS = {
    "input": "mastra_model_total_input_tokens",
    "output": "mastra_model_total_output_tokens",
    "reasoning": "mastra_model_output_reasoning_tokens",
    "cached": "mastra_model_input_cache_read_tokens",
}
"""Metrics by what they count."""
_PRICED = (TOKENS["input"], TOKENS["output"])
"""Those alone that carry a cost: each holds what its parts cost together."""


def _text(*pointers: str) -> str:
    found = ", ".join(f"json_extract_string(record, '{pointer}')" for pointer in pointers)
    return f"coalesce({found})" if len(pointers) > 1 else found


_COST = _text("/costContext/estimatedCost", "/estimatedCost")
_FAILED = (
    "coalesce(nullif(json_type(record, '/costContext/costMetadata/error'), 'NULL'), "
    "nullif(json_type(record, '/costMetadata/error'), 'NULL')) IS NOT NULL"
)
USAGE_ROWS = f"""
    SELECT DISTINCT ON (coalesce(json_extract_string(record, '/metricId'), rowid::VARCHAR))
        trace_id,
        {_text("/spanId", "/correlationContext/spanId")} AS span_id,
        json_extract_string(record, '/name') AS name,
        TRY_CAST(json_extract_string(record, '/value') AS DOUBLE) AS value,
        name IN {_PRICED} AS carries_cost,
        TRY_CAST({_COST} AS DOUBLE) AS cost,
        {_text("/costContext/costUnit", "/costUnit")} AS unit,
        {_FAILED} AS failed,
        carries_cost AND cost IS NOT NULL AND unit IS NOT NULL AND NOT failed AS priced
    FROM mastra_signals
    WHERE signal = 'metrics' AND trace_id IS NOT NULL
        AND json_extract_string(record, '/name') IN {tuple(TOKENS.values())}
"""
"""One row a metric of tokens, a resent one once."""

"""Which conditions on attributes are ruled out by what the index has learnt of a file's keys."""

from collections.abc import Collection, Sequence
from math import inf

import duckdb

from indexer.catalog.key_summaries import Key, read_summaries
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.spans.key_summary import KeySummary, double_of
from indexer.system.duckdb_rows import id_list, text_literal


def key_of(condition: AttributeCondition) -> Key:
    """What a condition is on."""
    return condition.owner, condition.key


def key_summaries(
    cursor: duckdb.DuckDBPyConnection,
    file_ids: Collection[int],
    conditions: Sequence[AttributeCondition],
) -> dict[int, dict[Key, KeySummary]]:
    """What is known of the conditions' keys, by file; one of which nothing is known is left out."""
    keys = dict.fromkeys(map(key_of, conditions))
    if not file_ids or not keys:
        return {}
    pairs = ", ".join(f"({text_literal(owner)}, {text_literal(key)})" for owner, key in keys)
    return read_summaries(cursor, f"file_id IN {id_list(file_ids)} AND (owner, key) IN ({pairs})")


def may_meet(summary: KeySummary, condition: AttributeCondition) -> bool:
    """Whether some row of the file may meet the condition on the key."""
    value, operator = condition.value, condition.operator
    if value is None or operator == "!=":
        return summary.is_present
    if operator == "=":
        return summary.may_have(value)
    if isinstance(value, str):
        return summary.may_have_text()
    number = double_of(value)
    if number is None:
        return summary.is_present
    below = operator in ("<", "<=")
    return summary.may_have_number(-inf if below else number, number if below else inf)

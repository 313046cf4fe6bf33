"""Rows that promoted attributes rule out of a search by attributes: no payload is read for them.

They tell it of files of which every text of attributes was seen to be plain JSON: in other texts
DuckDB, which took the attributes out, may find another value than the canonical reader, or none.
Where a value is text that nothing else is written like, they also tell which rows meet a condition,
and no payload is read at all.
"""

import re
from collections.abc import Collection, Sequence

from indexer.deferred_dataclass import dataclass
from indexer.query.find.condition_tree import AllOf, AnyOf, Condition, Leaf, NotMet
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.promoted_keys import KEYS
from indexer.read.promoted import VALUE_CHARS_MAX
from indexer.spans.key_summary import double_of
from indexer.system.duckdb_rows import Fetch, id_list, text_literal

_PROMOTED_FILES = """
SELECT file_id, {exact} FROM file_scans
WHERE file_id IN {ids} AND list_contains(stored, 'attributes') AND {given}
"""
_EXACT = """file_id NOT IN (
    SELECT file_id FROM indexed_attributes
    WHERE file_id IN {ids} AND key_id IN {key_ids} AND {nested}
)"""
_GIVEN = """file_id IN (
    SELECT file_id FROM file_attributes WHERE key_id = {key_id} AND error_type IS NULL
)"""
_ROWS = """(file_id, file_row_number, position_in_row) IN (
    SELECT (file_id, file_row_number, position_in_row) FROM indexed_attributes
    WHERE file_id IN {ids} AND key_id = {key_id} AND {value}
)"""
_OPERATORS = {"=": "=", "<": "<=", "<=": "<=", ">": ">=", ">=": ">="}
"""Of doubles: two numbers that are not equal may be one double."""
_IS_NESTED = "left(value, 1) IN ('[', '{')"
_ANY, _NONE = "true", "false"
_OTHER_JSON = re.compile(r"[-0-9\[{]|(true|false|null)$")
"""How the JSON of what is not text begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotedRows:
    """A condition that a span has to meet, by a promoted attribute."""

    condition: AttributeCondition
    key_id: int
    value: str
    """What the indexed values are of the rows that may meet it, in SQL."""
    is_near: bool
    """Whether nearly all of these do."""
    is_exact: bool
    """Whether all of these do whose value is neither an array nor an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotedFiles:
    """Files of which promoted attributes tell something, of those that were asked for."""

    some: frozenset[int] = frozenset()
    """Which rows may meet the conditions."""
    exact: frozenset[int] = frozenset()
    """Of these, those of which they tell which rows do."""


def promoted_rows(condition: Condition, fetch: Fetch) -> list[PromotedRows]:
    """Those of a search; none where no promoted attribute has to be something."""
    leaves = [one for one in _required(condition) if isinstance(one, AttributeCondition)]
    if not any(one.owner == "span" for one in leaves):
        return []
    numbers: dict[str, int] = dict(fetch(KEYS))
    return [
        PromotedRows(
            condition=one,
            key_id=numbers[one.key],
            value=_value_sql(one),
            is_near=one.operator not in ("!=", "contains", "matches"),
            is_exact=_is_exact(one),
        )
        for one in leaves
        if one.owner == "span" and one.key in numbers
    ]


def promoted_files(
    asked: Sequence[PromotedRows], file_ids: Collection[int], fetch: Fetch
) -> PromotedFiles:
    """Files of which the attributes tell which rows may meet the conditions, or do."""
    if not asked or not file_ids:
        return PromotedFiles()
    ids = id_list(file_ids)
    key_ids = id_list([one.key_id for one in asked])
    given = " AND ".join(_GIVEN.format(key_id=one.key_id) for one in asked)
    exact = _NONE
    if all(one.is_exact for one in asked):
        exact = _EXACT.format(ids=ids, key_ids=key_ids, nested=_IS_NESTED)
    rows = fetch(_PROMOTED_FILES.format(ids=ids, given=given, exact=exact))
    return PromotedFiles(
        some=frozenset(file_id for file_id, _ in rows),
        exact=frozenset(file_id for file_id, is_exact in rows if is_exact),
    )


def rows_sql(asked: Sequence[PromotedRows], file_ids: Collection[int]) -> str:
    """What rows of ``indexed_spans`` in such files may meet the conditions."""
    ids = id_list(file_ids)
    return " AND ".join(_ROWS.format(ids=ids, key_id=one.key_id, value=one.value) for one in asked)


def _required(condition: Condition) -> list[Leaf]:
    """The leaves that every span of the search meets."""
    if isinstance(condition, AllOf):
        return [leaf for part in condition.parts for leaf in _required(part)]
    return [] if isinstance(condition, AnyOf | NotMet) else [condition]


def _value_sql(leaf: AttributeCondition) -> str:
    """A value is text as it is, cut, or the JSON of what is none, and not told from such a text."""
    if leaf.operator not in _OPERATORS:
        return _ANY
    if isinstance(leaf.value, bool):
        return f"(value = '{str(leaf.value).lower()}' OR {_IS_NESTED})"
    if isinstance(leaf.value, str):
        equal = f"(value = {text_literal(leaf.value)} OR {_IS_NESTED})"
        return equal if leaf.operator == "=" else _ANY
    number = double_of(leaf.value)
    if number is None:
        return _ANY
    compared = f"TRY_CAST(value AS DOUBLE) {_OPERATORS[leaf.operator]} {number!r}::DOUBLE"
    return f"(coalesce({compared}, false) OR {_IS_NESTED})"


def _is_exact(leaf: AttributeCondition) -> bool:
    """Whether a value, neither an array nor an object, meets the condition where SQL finds it."""
    if leaf.operator == "exists":
        return True
    is_text = leaf.operator == "=" and isinstance(leaf.value, str)
    text = str(leaf.value)
    return is_text and len(text) < VALUE_CHARS_MAX and not _OTHER_JSON.match(text)

"""Conditions on a span joined by and, or and not. Pure."""

from collections.abc import Iterator

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.query.find.payload_conditions import (
    AttributeCondition,
    PayloadCondition,
    TextCondition,
)
from indexer.query.find.span_conditions import SpanConditions
from indexer.query.window import Window
from indexer.system.duckdb_rows import text_literal

DEPTH_MAX = 8
"""Conditions inside each other: nobody writes more by hand, and each costs a column a step."""
CONDITIONS_MAX = 64
"""Of one tree, joints included, but for the one that joins all: a list may have so many."""


@dataclass(frozen=True, slots=True)
class ServiceIs:
    """The span is of this service."""

    service: str


@dataclass(frozen=True, slots=True)
class IsRoot:
    """The span has no parent."""


MetadataCondition = SpanConditions | ServiceIs | IsRoot | Window
Leaf = MetadataCondition | PayloadCondition
_ROOTS = "parent_span_id_uint64 IS NULL"
_PAYLOAD = (AttributeCondition, TextCondition)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; so it does without parts."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; none does without parts."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class NotMet:
    """The part does not hold."""

    part: "Condition"


Condition = Leaf | AllOf | AnyOf | NotMet


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Every leaf, as often as it stands there."""
    if isinstance(condition, NotMet):
        yield from leaves_of(condition.part)
    elif isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from leaves_of(part)
    else:
        yield condition


def payload_leaves(condition: Condition) -> list[PayloadCondition]:
    """The leaves that only payload decides."""
    return [one for one in leaves_of(condition) if isinstance(one, _PAYLOAD)]


def metadata_leaves(condition: Condition) -> list[MetadataCondition]:
    """The distinct leaves that the index decides."""
    return list(dict.fromkeys(one for one in leaves_of(condition) if not isinstance(one, _PAYLOAD)))


def payload_columns(condition: Condition) -> tuple[str, ...]:
    """The canonical payload columns that the tree is decided by."""
    return tuple(dict.fromkeys(name for leaf in payload_leaves(condition) for name in leaf.columns))


def condition_sql(condition: Condition) -> str:
    """The tree over ``indexed_spans``: true, false, or NULL where only payload can tell.

    SQL joins unknown truths as ``bounds_of`` does.
    """
    if isinstance(condition, NotMet):
        return f"NOT ({condition_sql(condition.part)})"
    if isinstance(condition, AllOf | AnyOf):
        is_all = isinstance(condition, AllOf)
        parts = [f"({condition_sql(part)})" for part in condition.parts]
        return (" AND " if is_all else " OR ").join(parts) or str(is_all).lower()
    if isinstance(condition, AttributeCondition | TextCondition):
        return "NULL::BOOLEAN"
    return _metadata_sql(condition)


def refuse_too_large(condition: Condition) -> None:
    """Raises QueryRefused for a tree that is too deep, or has too many conditions."""
    count, layer = -isinstance(condition, AllOf), [condition]
    for _ in range(DEPTH_MAX):
        count += len(layer)
        layer = [part for one in layer for part in _parts(one)]
        if not layer and count <= CONDITIONS_MAX:
            return
        if count > CONDITIONS_MAX:
            break
    raise QueryRefused(
        f"the search has more than {CONDITIONS_MAX} conditions, "
        f"or more than {DEPTH_MAX} inside each other",
        hint="Say the same with fewer; a regular expression joins several texts.",
    )


def _parts(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, NotMet):
        return (condition.part,)
    return condition.parts if isinstance(condition, AllOf | AnyOf) else ()


def _metadata_sql(condition: MetadataCondition) -> str:
    if isinstance(condition, SpanConditions):
        return " AND ".join(condition.sql) or "true"
    if isinstance(condition, ServiceIs):
        return f"service_name = {text_literal(condition.service)}"
    return _window_sql(condition) if isinstance(condition, Window) else _ROOTS


def _window_sql(window: Window) -> str:
    bounds = (
        ("start_time_unix_nano >= {}", window.since_unix_nano),
        ("start_time_unix_nano < {}", window.until_unix_nano),
    )
    found = [form.format(bound) for form, bound in bounds if bound is not None]
    return " AND ".join(found) or "true"

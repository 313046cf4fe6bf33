"""Which spans meet a condition on their payload, decided on canonical values. Pure.

This is the one place that decides it, so that a span is found or not found by what it says,
whichever tier and writer it is from.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import ge, gt, le, lt
from typing import Any

import numpy as np
import pyarrow as pa

from indexer.query.find.payload_conditions import (
    COLUMN_OF,
    TEXT_COLUMNS,
    AttributeCondition,
    PayloadCondition,
    TextCondition,
)
from indexer.spans.identifiers import BoolArray
from indexer.spans.key_summary import values_under
from indexer.system import arrow_compute as pc

Payloads = Mapping[str, Sequence[Any]]
"""Canonical values by payload column, one a span; and the spans' names under ``name``."""

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


def holds(leaf: PayloadCondition, payloads: Payloads) -> BoolArray:
    """Of which spans the condition holds."""
    return _text(leaf, payloads) if isinstance(leaf, TextCondition) else _attribute(leaf, payloads)


def has_text(leaf: TextCondition, texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Which of the texts have that of the condition, by RE2's rule of letters without case."""
    return pc.match_substring(texts, leaf.text, ignore_case=True)


def _attribute(leaf: AttributeCondition, payloads: Payloads) -> BoolArray:
    of_events = leaf.owner == "event"
    found = [
        list(values_under(leaf.key, one, of_events=of_events))
        for one in payloads[COLUMN_OF[leaf.owner]]
    ]
    if leaf.operator == "matches":
        return _any_text(found, lambda texts: pc.match_substring_regex(texts, leaf.value))
    return np.fromiter((_is_met(leaf, values) for values in found), np.bool_, len(found))


def _is_met(leaf: AttributeCondition, values: list[Any]) -> bool:
    if leaf.operator == "exists":
        return bool(values)
    if leaf.operator in ("=", "!="):
        is_equal = any(_is_alike(one, leaf.value) and one == leaf.value for one in values)
        return is_equal if leaf.operator == "=" else bool(values) and not is_equal
    if leaf.operator == "contains":
        return any(isinstance(one, str) and str(leaf.value) in one for one in values)
    compare = _ORDER[leaf.operator]
    return any(_is_alike(one, leaf.value) and compare(one, leaf.value) for one in values)


def _is_alike(value: Any, other: Any) -> bool:
    """Whether both are text, both truths, or both numbers."""
    if isinstance(value, bool) or isinstance(other, bool):
        return isinstance(value, bool) and isinstance(other, bool)
    return isinstance(value, str) == isinstance(other, str) and isinstance(value, str | int | float)


def _text(leaf: TextCondition, payloads: Payloads) -> BoolArray:
    sides = [payloads[name] for name in ("name", *TEXT_COLUMNS)]
    found = [
        [name, *_texts(message), *_texts(attributes), *_event_texts(events)]
        for name, message, attributes, events in zip(*sides, strict=True)
    ]
    return _any_text(found, lambda texts: has_text(leaf, texts))


def _texts(value: Any) -> Iterator[str]:
    """The texts and whole numbers of a value and of all inside it, without keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _event_texts(events: Any) -> Iterator[str]:
    for event in events if isinstance(events, list) else [events]:
        if isinstance(event, dict):
            yield from _texts(event.get("name"))
            yield from _texts(event.get("attributes"))
        else:
            yield from _texts(event)


def _any_text(found: Sequence[list[Any]], meets: Callable[[pa.Array], pa.Array]) -> BoolArray:
    """Which of the lists have a text that meets something; all texts are looked at in one call."""
    pairs = [(at, one) for at, values in enumerate(found) for one in values if isinstance(one, str)]
    held: BoolArray = np.zeros(len(found), np.bool_)
    if pairs:
        met = meets(pa.array([text for _, text in pairs], pa.large_string()))
        owners = np.array([at for at, _ in pairs])
        held[owners[met.to_numpy(zero_copy_only=False)]] = True
    return held

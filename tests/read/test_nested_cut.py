"""A nested column gives the first elements of each row, and counts the others to the last one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.read.nested_cut import element_count, nested_values
from indexer.read.part import Part
from tests.support.examples import examples

NUMBERS = pa.list_(pa.int64())
MAP = pa.map_(pa.string(), pa.string())
KEYS = st.text("abc", max_size=2)


def lists_of(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | one, max_size=5)


def maps_of(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Keys do not repeat, so that what is kept can be counted."""
    return st.lists(st.tuples(KEYS, one), max_size=5, unique_by=lambda pair: pair[0])


COLUMNS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "lists": (pa.list_(NUMBERS), lists_of(lists_of(st.integers(0, 9)))),
    "large lists": (
        pa.large_list(pa.large_list(pa.int64())),
        lists_of(lists_of(st.integers(0, 9))),
    ),
    "maps": (MAP, maps_of(KEYS)),
    "lists of maps": (pa.list_(MAP), lists_of(maps_of(KEYS))),
    "maps of lists": (pa.map_(pa.string(), NUMBERS), maps_of(lists_of(st.integers(0, 9)))),
    "lists of structs": (
        pa.list_(pa.struct([("name", pa.string()), ("attributes", MAP), ("n", NUMBERS)])),
        lists_of(
            st.fixed_dictionaries(
                {"name": KEYS, "attributes": maps_of(KEYS), "n": lists_of(st.just(1))}
            )
        ),
    ),
    "structs": (
        pa.struct([("a", NUMBERS), ("b", pa.list_(MAP))]),
        st.fixed_dictionaries({"a": lists_of(st.just(1)), "b": lists_of(maps_of(KEYS))}),
    ),
}


def inside(value: Any, kind: pa.DataType) -> int:
    """Elements of a value's lists and maps; the fields of a struct are none."""
    if value is None:
        return 0
    if pa.types.is_map(kind):
        items = list(value.values()) if isinstance(value, dict) else [item for _, item in value]
        return len(items) + sum(inside(item, kind.item_type) for item in items)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return len(value) + sum(inside(one, kind.value_type) for one in value)
    if pa.types.is_struct(kind):
        return sum(inside(value.get(field.name), field.type) for field in kind)
    return 0


def as_objects(value: Any, kind: pa.DataType) -> Any:
    """The same with maps as objects."""
    if value is None:
        return None
    if pa.types.is_map(kind):
        return {key: as_objects(item, kind.item_type) for key, item in value}
    if pa.types.is_struct(kind):
        fields = {field.name: as_objects(value.get(field.name), field.type) for field in kind}
        return {name: one for name, one in fields.items() if one is not None}
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return [as_objects(one, kind.value_type) for one in value] if is_list else value


@examples(25)
@given(st.data())
def test_the_first_elements_are_kept_and_the_rest_is_counted(data: st.DataObject) -> None:
    kind, rows = COLUMNS[data.draw(st.sampled_from(sorted(COLUMNS)))]
    column = pa.chunked_array([pa.array(data.draw(st.lists(st.none() | rows, max_size=4)), kind)])
    column = column.slice(data.draw(st.integers(0, len(column))))
    elements_max, inside_max = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 8))
    found = nested_values(column, elements_max, inside_max)
    assert len(found) == len(column)
    for value, original in zip(found, column.to_pylist(), strict=True):
        part = value if isinstance(value, Part) else Part(value, 0, 0)
        is_list = isinstance(original, list)
        first = original[:elements_max] if is_list else original
        own = len(first) if is_list else 0
        assert part.left_out == (len(original) - own if is_list else 0)
        kept = inside(part.stored, kind) - own
        assert kept <= inside_max
        assert part.inside_left_out == inside(first, kind) - own - kept
        if inside(first, kind) - own <= inside_max:
            assert part.stored == as_objects(first, kind)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_elements_are_counted_at_every_depth(name: str) -> None:
    kind, _ = COLUMNS[name]
    assert element_count(pa.array([None], kind)) == 0
    assert element_count(pa.array([], kind)) == 0


def test_elements_of_a_part_of_an_array_are_its_own() -> None:
    array = pa.array([[[1, 2], [3]], [[4]], None], pa.list_(NUMBERS))
    assert [element_count(array.slice(at, 1)) for at in range(3)] == [5, 2, 0]

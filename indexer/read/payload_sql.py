"""Canonical payload columns as SQL, the same values as ``read.normalise`` makes. Pure.

JSON text of attributes passes as it stands. Events and links get the names of OTLP's JSON
mapping; maps, structs and lists side by side become JSON. Text that is not JSON stays text.
"""

from collections.abc import Collection, Mapping, Sequence

from indexer.read.dialect_fields import PayloadColumn
from indexer.read.elements import EVENT_TIMES, LINK_NAMES
from indexer.read.normalise import JSON_COLUMNS


def _first(spellings: Sequence[str]) -> str:
    """The text under the first of the names with a value, which is not a list or an object."""
    scalars = (
        f"CASE WHEN json_type({{element}} -> '{name}') NOT IN ('ARRAY', 'OBJECT') "
        f"THEN {{element}} ->> '{name}' END"
        for name in spellings
    )
    return f"coalesce({', '.join(scalars)})"


def _renamed(names: Mapping[str, Sequence[str]]) -> str:
    """Members of a merge patch: each name its value, every other spelling of it none."""
    parts = [
        part
        for name, spellings in names.items()
        for part in (f"'{name}', {_first(spellings)}", *(f"'{one}', NULL" for one in spellings[1:]))
    ]
    return ", ".join(parts)


_OWN_NAMES: dict[str, Mapping[str, Sequence[str]]] = {
    "events": {"timeUnixNano": EVENT_TIMES},
    "links": LINK_NAMES,
}
_DROPPED = """CASE WHEN nullif({element} -> 'droppedAttributesCount', 'null'::JSON) IS NULL
    THEN json_object('droppedAttributesCount', nullif({element} -> 'dropped_attributes_count',
        'null'::JSON), 'dropped_attributes_count', NULL)
    ELSE json_object('dropped_attributes_count', NULL) END"""

_ELEMENT = """json_merge_patch(json_merge_patch(json_merge_patch({element},
    json_object({renamed})), {dropped}),
    CASE WHEN nullif({element} -> 'attributes', 'null'::JSON) IS NULL
        THEN '{{"attributes":{{}}}}'::JSON
    WHEN json_type({element} -> 'attributes') = 'VARCHAR' AND json_valid({element} ->> 'attributes')
        THEN json_object('attributes', CASE WHEN json_type({element} ->> 'attributes') = 'NULL'
            THEN '{{}}'::JSON ELSE ({element} ->> 'attributes')::JSON END)
    ELSE '{{}}'::JSON END)"""

_LIST = """CASE WHEN {text} = '[]' THEN '[]'
WHEN json_valid({text}) AND json_type({text}) = 'ARRAY' THEN to_json(list_transform(
    json_extract({text}, '$[*]'),
    lambda element: CASE WHEN json_type(element) = 'OBJECT' THEN {element} ELSE element END
))::VARCHAR ELSE {text} END"""
"""Most spans have no events and no links: of those no JSON is parsed."""

_SIDE_BY_SIDE = """CASE WHEN {nothing} THEN '[]' ELSE to_json(list_transform(
    range(1, greatest({lengths}) + 1),
    lambda place: json_object({members})
))::VARCHAR END"""


def payload_expression(payload: PayloadColumn, nested: Collection[str]) -> str:
    """The canonical column, from the file's columns of the relation ``payload``."""
    if not payload.is_whole:
        return _side_by_side(payload, nested)
    column = payload.columns[0]
    stored = f"payload.{_name(column)}"
    if payload.name not in JSON_COLUMNS:
        return stored
    value = f"({_json(payload, column, stored, nested)})::VARCHAR"
    empty = "[]" if payload.name in ("events", "links") else "{}"
    return f"coalesce({value}, '{empty}')" if payload.null_is_empty else value


def _json(payload: PayloadColumn, column: str, stored: str, nested: Collection[str]) -> str:
    if column in nested:
        stored = f"json_merge_patch('{{}}'::JSON, to_json({stored}))"
        return f"{stored}::VARCHAR" if payload.name not in ("events", "links") else stored
    text = f"{stored}::VARCHAR"
    return text if payload.name not in ("events", "links") else _list(payload.name, text)


def _list(name: str, text: str) -> str:
    parts = {"renamed": _renamed(_OWN_NAMES[name]), "dropped": _DROPPED}
    filled = {part: template.format(element="element") for part, template in parts.items()}
    return _LIST.format(text=text, element=_ELEMENT.format(element="element", **filled))


def _side_by_side(payload: PayloadColumn, nested: Collection[str]) -> str:
    sides = [f"payload.{_name(column)}" for column in payload.columns]
    members = ", ".join(
        f"'{key}', {_member(key, f'payload.{_name(column)}[place]', is_nested=column in nested)}"
        for key, column in payload.parts
    )
    return _SIDE_BY_SIDE.format(
        nothing=" AND ".join(f"{side} IS NULL" for side in sides),
        lengths=", ".join(f"coalesce(len({side}), 0)" for side in sides),
        members=members,
    )


def _member(key: str, value: str, *, is_nested: bool) -> str:
    """One key of one element; a time as decimal nanoseconds whatever type it has in the file."""
    if key == "timeUnixNano":
        text = f"{value}::VARCHAR"
        return f"coalesce(epoch_ns(TRY_CAST({text} AS TIMESTAMP_NS))::VARCHAR, {text})"
    if key != "attributes":
        return value
    if is_nested:
        return f"coalesce(json_merge_patch('{{}}'::JSON, to_json({value})), '{{}}'::JSON)"
    text = f"{value}::VARCHAR"
    return (
        f"CASE WHEN {value} IS NULL THEN '{{}}'::JSON "
        f"WHEN NOT json_valid({text}) THEN to_json({text}) "
        f"WHEN json_type({text}) = 'NULL' THEN '{{}}'::JSON ELSE {text}::JSON END"
    )


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'

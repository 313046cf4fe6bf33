"""Canonical payload columns as SQL, the same values as ``read.normalise`` makes. Pure.

JSON text of attributes passes as it stands. Events and links get the names of OTLP's JSON
mapping; maps, structs and lists side by side become JSON. Text that is no JSON stays text.
"""

from collections.abc import Collection

from indexer.read.dialect import PayloadColumn
from indexer.read.normalise import EVENT_TIMES, JSON_COLUMNS

_TIME = """coalesce({}, {}, {})""".format(
    *(
        f"CASE WHEN json_type({{element}} -> '{key}') NOT IN ('ARRAY', 'OBJECT') "
        f"THEN {{element}} ->> '{key}' END"
        for key in EVENT_TIMES
    )
)

_EVENT_TIME = "'timeUnixNano', {time}, 'time_unix_nano', NULL, 'time_nanos', NULL"

_ELEMENT = """json_merge_patch(json_merge_patch(json_merge_patch({element}, json_object({time})),
    CASE WHEN nullif({element} -> 'attributes', 'null'::JSON) IS NULL
        THEN '{{"attributes":{{}}}}'::JSON
    WHEN json_type({element} -> 'attributes') = 'VARCHAR' AND json_valid({element} ->> 'attributes')
        THEN json_object('attributes', CASE WHEN json_type({element} ->> 'attributes') = 'NULL'
            THEN '{{}}'::JSON ELSE ({element} ->> 'attributes')::JSON END)
    ELSE '{{}}'::JSON END),
    CASE WHEN nullif({element} -> 'droppedAttributesCount', 'null'::JSON) IS NULL
        THEN '{{"droppedAttributesCount":0}}'::JSON ELSE '{{}}'::JSON END)"""

_LIST = """CASE WHEN json_valid({text}) AND json_type({text}) = 'ARRAY' THEN to_json(list_transform(
    json_extract({text}, '$[*]'),
    lambda element: CASE WHEN json_type(element) = 'OBJECT' THEN {element} ELSE element END
))::VARCHAR ELSE {text} END"""

_SIDE_BY_SIDE = """CASE WHEN {nothing} THEN NULL ELSE to_json(list_transform(
    range(1, greatest({lengths}) + 1),
    lambda place: json_object({members}, 'droppedAttributesCount', 0)
))::VARCHAR END"""


def payload_expression(payload: PayloadColumn, nested: Collection[str]) -> str:
    """The canonical column, from the file's columns of the relation ``payload``."""
    if not payload.is_whole:
        return _side_by_side(payload, nested)
    column = payload.columns[0]
    stored = f"payload.{_name(column)}"
    if payload.name not in JSON_COLUMNS:
        return stored
    if column in nested:
        stored = f"json_merge_patch('{{}}'::JSON, to_json({stored}))"
        return f"{stored}::VARCHAR" if payload.name not in ("events", "links") else stored
    text = f"{stored}::VARCHAR"
    return text if payload.name not in ("events", "links") else _list(payload.name, text)


def _list(name: str, text: str) -> str:
    time = _EVENT_TIME.format(time=_TIME.format(element="element")) if name == "events" else ""
    return _LIST.format(text=text, element=_ELEMENT.format(element="element", time=time))


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

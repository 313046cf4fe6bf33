"""Junjo's ``spans`` and ``state_patches`` as views over ``otel_spans``, for a session.

What a column means, and every name, is in ``spans``; both say the same of a span. Pure: values in,
SQL text out.
"""

from collections.abc import Collection

from indexer.clients.junjo import spans as junjo
from indexer.clients.junjo.event_names import SET_STATE
from indexer.clients.junjo.spans import LEAVING, LIFTED, Lifted
from indexer.clients.junjo.times import TIME
from indexer.query.sql_scope import OTEL_SPANS, with_event
from indexer.system.duckdb_rows import text_literal

_NAMES = tuple(dict.fromkeys([*LEAVING, *(name for one in LIFTED for name in one.names)]))
"""Attributes that the views look at, all in one call: a call reads the whole text."""

_CREATE = "CREATE OR REPLACE TEMPORARY VIEW {name} AS\n{query}"

_SPANS = """SELECT
    trace_id, span_id, parent_span_id, service_name, name,
    coalesce({kinds}[kind::INTEGER + 1], '{unspecified}') AS kind,
    start_time, end_time,
    status_code::VARCHAR AS status_code,
    coalesce(status_message, '') AS status_message,
    {remaining} AS attributes_json,
    {events} AS events_json,
    {links} AS links_json,
    CASE WHEN coalesce(flags, 0) <= {flags_max} THEN coalesce(flags, 0)::INTEGER END AS trace_flags,
    trace_state,
    {lifted}
FROM {looked_at}"""

_LOOKED_AT = """(
    SELECT *, json_type(object, {pointers}) AS types,
        json_extract_string(object, {pointers}) AS texts
    FROM (SELECT *, {attributes} AS object FROM {source})
)"""

_JSON = """CASE WHEN {text} IS NULL THEN '{absent}'::JSON
    WHEN NOT json_valid({text}) THEN to_json({text})
    WHEN json_type({text}) = 'NULL' THEN '{absent}'::JSON
    ELSE {text}::JSON END"""

_REMAINING = """CASE WHEN json_type(object) = 'OBJECT'
    THEN json_merge_patch(object, ('{{' || concat_ws(',', {leaving}) || '}}')::JSON)
    ELSE object END"""

_EVENTS = """CASE WHEN json_type({events}) = 'ARRAY' THEN to_json(list_transform(
    json_extract({events}, '$[*]'),
    lambda event: CASE WHEN json_type(event) = 'OBJECT' AND {time} IS NOT NULL
        THEN json_merge_patch(event, json_object('timeUnixNano', {time})) ELSE event END
)) ELSE {events} END"""

_TIME = """CASE WHEN regexp_full_match(event ->> 'timeUnixNano', '{pattern}')
    THEN TRY_CAST(event ->> 'timeUnixNano' AS UBIGINT) END"""

_EVENT_TEXT = """CASE WHEN json_type(event, '{pointer}') = 'VARCHAR'
    THEN json_extract_string(event, '{pointer}') END"""

_STATE_PATCHES = """SELECT
    {patch_id} AS patch_id,
    service_name, trace_id, span_id,
    CASE WHEN span_type = '{workflow}' THEN junjo_id ELSE '' END AS workflow_id,
    CASE WHEN span_type = '{node}' THEN junjo_id ELSE '' END AS node_id,
    make_timestamptz(({time} // 1000)::BIGINT) AS event_time,
    {patch} AS patch_json,
    coalesce(patch_texts[2], '') AS patch_store_id
FROM (
    SELECT *, {texts} AS patch_texts
    FROM (
        SELECT service_name, trace_id, span_id, kind,
            {span_type} AS span_type, {junjo_id} AS junjo_id,
            unnest(listed) AS event, generate_subscripts(listed, 1) - 1 AS position
        FROM (
            SELECT *, json_extract(all_events, '$[*]') AS listed
            FROM (SELECT *, {events} AS all_events FROM {looked_at})
            WHERE json_type(all_events) = 'ARRAY'
        )
    )
    WHERE json_type(event) = 'OBJECT' AND (event ->> 'name') = '{set_state}'
)"""

_HASH = """sha1('{namespace}'::BLOB || encode(trace_id || '/' || span_id || '/' || position
    || CASE WHEN kind = {internal} THEN '' ELSE '/' || kind END))"""
_UUID = """list_transform([{hash}], lambda h: concat_ws('-', h[1:8], h[9:12], '5' || h[14:16],
    '89ab'[(('0x' || h[17])::INTEGER % 4) + 1] || h[18:20], h[21:32]))[1]"""


def junjo_views(names: Collection[str]) -> list[str]:
    """The CREATE statements of those of the two views that are named; ``otel_spans`` is there."""
    queries = {"spans": _spans, "state_patches": _state_patches}
    return [
        _CREATE.format(name=name, query=query()) for name, query in queries.items() if name in names
    ]


def _spans() -> str:
    events = _json("events", "[]")
    return _SPANS.format(
        kinds=list(junjo.KINDS),
        unspecified=junjo.KINDS[0],
        flags_max=junjo.FLAGS_MAX,
        remaining=_remaining(),
        events=_EVENTS.format(events=events, time=_time()),
        links=_json("links", "[]"),
        lifted=",\n    ".join(f"{_column(one)} AS {one.column}" for one in LIFTED),
        looked_at=_looked_at(OTEL_SPANS),
    )


def _state_patches() -> str:
    texts = ", ".join(
        _EVENT_TEXT.format(pointer=f"/attributes/{name}")
        for name in (junjo.PATCH, junjo.PATCH_STORE_ID)
    )
    return _STATE_PATCHES.format(
        patch_id=_UUID.format(
            hash=_HASH.format(namespace=_blob(junjo.PATCH_NAMESPACE.bytes), internal=junjo.INTERNAL)
        ),
        workflow=junjo.WORKFLOW,
        node=junjo.NODE,
        time=_time(),
        patch=_json_text("coalesce(nullif(patch_texts[1], ''), '{}')"),
        texts=f"[{texts}]",
        span_type=_column(junjo.SPAN_TYPE),
        junjo_id=_column(junjo.ID),
        events=_json("events", "[]"),
        looked_at=_looked_at(with_event(SET_STATE)),
        set_state=SET_STATE,
    )


def _looked_at(source: str) -> str:
    """Spans with their attributes as JSON, and the types and texts under ``_NAMES``."""
    pointers = ", ".join(text_literal(f"/{name}") for name in _NAMES)
    return _LOOKED_AT.format(
        pointers=f"[{pointers}]", attributes=_json("attributes", "{}"), source=source
    )


def _remaining() -> str:
    leaving = ", ".join(
        f"""CASE WHEN types[{_place(name)}] = 'VARCHAR' THEN '"{name}":null' END"""
        for name in LEAVING
    )
    return _REMAINING.format(leaving=leaving)


def _column(lifted: Lifted) -> str:
    texts = ", ".join(
        f"CASE WHEN types[{_place(name)}] = 'VARCHAR' THEN nullif(texts[{_place(name)}], '') END"
        for name in lifted.names
    )
    column = f"coalesce({texts}, '{lifted.absent}')"
    if lifted.is_json:
        column = _json_text(column)
    if lifted.of_workflows:
        absent = f"'{lifted.absent}'" + ("::JSON" if lifted.is_json else "")
        types = ", ".join(f"'{one}'" for one in junjo.WORKFLOW_TYPES)
        column = (
            f"CASE WHEN {_column(junjo.SPAN_TYPE)} IN ({types}) THEN {column} ELSE {absent} END"
        )
    return column


def _json(column: str, absent: str) -> str:
    """A payload column as JSON, of text that is none a JSON string."""
    return _JSON.format(text=column, absent=absent)


def _json_text(text: str) -> str:
    return f"CASE WHEN json_valid({text}) THEN ({text})::JSON ELSE to_json({text}) END"


def _time() -> str:
    return _TIME.format(pattern=TIME)


def _place(name: str) -> int:
    """SQL counts from one."""
    return _NAMES.index(name) + 1


def _blob(value: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in value)

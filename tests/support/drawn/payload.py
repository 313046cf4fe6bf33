"""Attributes, events and links, drawn in every form that writers have for them.

JSON text that is odd, text in columns of bytes, maps, structs, lists of keys and values, VARIANT
shredded and not, lists side by side. Each column comes with the JSON value that is right per row.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from tests.support.drawn.columns import SPELLINGS, TEXT, TEXT_KINDS, Drawn, text_array
from tests.support.variants import shredded_column, variant_column

KEYS = st.sampled_from(["http.route", "k", "é", 'a"b', "A", "a"])
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)
TEXT_OBJECTS = st.dictionaries(KEYS, TEXT, max_size=3)
HALF = "\\ud83d"
ODD_JSON: tuple[tuple[bytes, Any], ...] = (
    (b"not json", "not json"),
    (b"{", "{"),
    (b"", ""),
    (b'{"a": NaN, "b": [-Infinity]}', {"a": "NaN", "b": ["-Infinity"]}),
    (b'{"a": 1e400, "b": 1E-400}', {"a": "1e400", "b": 0.0}),
    (b'{"n": ' + b"9" * 310 + b"}", {"n": "9" * 310}),
    (b'{"n": 9007199254740993}', {"n": 2**53 + 1}),
    (b'{"k": 1, "k": 2}', {"k": 2}),
    (f'{{"i": "{HALF}", "{HALF}x": 1}}'.encode(), {"i": "\ufffd", "\ufffdx": 1}),
    (b'{"i":"\xe4\xbd\xa0\xe5"}', {"i": "你\ufffd"}),
    (b'{"i": null, "e": {}}', {"i": None, "e": {}}),
    (b"[1, [2]]", [1, [2]]),
    (b" 5 ", 5),
    (b'[{"key": "a", "value": {"intValue": "7"}}]', {"a": 7}),
    (b'[{"key": "a", "value": "x"}, {"key": "a", "value": "y"}]', {"a": "y"}),
)
"""JSON text as somebody wrote it, and the value that is shown."""

T0 = 1_795_000_000_000_000_000
Rows = list[Any]


@st.composite
def attributes(draw: st.DrawFn, count: int) -> Drawn:
    """Attributes of spans, resources or scopes: a NULL of the column is an empty object."""
    form = draw(st.sampled_from(FORMS))
    found: Drawn = draw(form(count))
    return Drawn(found.array, [{} if value is None else value for value in found.values])


@st.composite
def json_texts(draw: st.DrawFn, count: int) -> Drawn:
    """JSON text, also where it is not JSON, not UTF-8, or says what JSON cannot.

    Half of the columns have one kind of odd value alone, so that no other one hides it.
    """
    plain = st.tuples(OBJECTS, st.booleans(), st.sampled_from([None, 1])).map(
        lambda one: (json.dumps(one[0], ensure_ascii=one[1], indent=one[2]).encode(), one[0])
    )
    odd = draw(
        st.sampled_from([st.sampled_from(ODD_JSON), st.just(draw(st.sampled_from(ODD_JSON)))])
    )
    rows = draw(_rows(count, plain | odd))
    kind = draw(st.sampled_from(TEXT_KINDS))
    content = [None if row is None else row[0] for row in rows]
    return Drawn(text_array(content, kind), [None if row is None else row[1] for row in rows])


@st.composite
def text_maps(draw: st.DrawFn, count: int) -> Drawn:
    """Maps of text, in which a key may occur twice and a value may be NULL."""
    rows = draw(_rows(count, st.lists(st.tuples(KEYS, st.none() | TEXT), max_size=3)))
    values = [None if row is None else _without_none(dict(row)) for row in rows]
    if draw(st.booleans()):
        return Drawn(pa.array(rows, pa.map_(pa.string(), pa.string())), values)
    encoded = [None if row is None else [(k.encode(), _encoded(v)) for k, v in row] for row in rows]
    return Drawn(pa.array(encoded, pa.map_(pa.binary(), pa.binary())), values)


@st.composite
def typed_maps(draw: st.DrawFn, count: int) -> Drawn:
    """Maps whose values have one type."""
    kind, one = draw(st.sampled_from(TYPES))
    rows = draw(_rows(count, st.dictionaries(KEYS, one, max_size=3)))
    array = pa.array(
        [None if row is None else list(row.items()) for row in rows], pa.map_(pa.string(), kind)
    )
    return Drawn(array, rows)


@st.composite
def structs(draw: st.DrawFn, count: int) -> Drawn:
    """Structs, whose fields differ in case alone or are structs themselves."""
    names = draw(st.lists(KEYS, min_size=1, max_size=3, unique=True))
    kinds = {name: draw(st.sampled_from(TYPES)) for name in names}
    fields = {name: st.none() | one for name, (_, one) in kinds.items()}
    rows = draw(_rows(count, st.fixed_dictionaries(fields)))
    array = pa.array(rows, pa.struct([(name, kind) for name, (kind, _) in kinds.items()]))
    return Drawn(array, [None if row is None else _without_none(row) for row in rows])


@st.composite
def key_values(draw: st.DrawFn, count: int) -> Drawn:
    """Lists of keys and values: text, or OTLP's AnyValue with the names of either form."""
    if draw(st.booleans()):
        rows = draw(_rows(count, TEXT_OBJECTS))
        return Drawn(pa.array([_pairs(row) for row in rows], _pair_list(pa.string())), rows)
    rows = draw(_rows(count, st.dictionaries(KEYS, st.booleans() | NUMBERS | TEXT, max_size=3)))
    members = draw(st.sampled_from([_JSON_MEMBERS, _PROTO_MEMBERS]))
    kind = pa.struct(
        list(zip(members, (pa.string(), pa.int64(), pa.float64(), pa.bool_()), strict=True))
    )
    typed = [
        None if row is None else {key: _any_value(one, members) for key, one in row.items()}
        for row in rows
    ]
    return Drawn(pa.array([_pairs(row) for row in typed], _pair_list(kind)), rows)


@st.composite
def variants(draw: st.DrawFn, count: int) -> Drawn:
    """VARIANTs, shredded by one field or not."""
    rows = draw(_rows(count, OBJECTS))
    if draw(st.booleans()) and None not in rows:
        return Drawn(shredded_column(rows, "k"), rows)
    return Drawn(variant_column(rows), rows)


FORMS: tuple[Callable[[int], st.SearchStrategy[Drawn]], ...] = (
    *(json_texts, json_texts, json_texts),  # what most writers have
    *(text_maps, typed_maps, structs, key_values, variants),
)
TYPES: tuple[tuple[pa.DataType, st.SearchStrategy[Any]], ...] = (
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.float64(), st.floats(allow_nan=False, allow_infinity=False)),
    (pa.bool_(), st.booleans()),
    (pa.string(), TEXT),
    (pa.list_(pa.string()), st.lists(TEXT, max_size=2)),
    (pa.struct([("x", pa.int64())]), st.integers(0, 9).map(lambda number: {"x": number})),
)
_JSON_MEMBERS = ("stringValue", "intValue", "doubleValue", "boolValue")
_PROTO_MEMBERS = ("string_value", "int_value", "double_value", "bool_value")
_EVENT_TIMES = ("timeUnixNano", "time_unix_nano", "time_nanos", "timestamp_unix_nano")
_LINK_NAMES = (("traceId", "spanId", "traceState"), ("trace_id", "span_id", "trace_state"))
_DROPPED = ("droppedAttributesCount", "dropped_attributes_count")


@st.composite
def events(draw: st.DrawFn, count: int) -> Drawn:
    """Events in one column."""
    times, dropped = draw(st.sampled_from(_EVENT_TIMES)), draw(st.sampled_from(_DROPPED))

    def said(event: dict[str, Any]) -> dict[str, Any]:
        names = {"timeUnixNano": times, "droppedAttributesCount": dropped}
        return {names.get(name, name): value for name, value in event.items()}

    return draw(_elements(count, _event(), said, (times, "timeUnixNano")))


@st.composite
def links(draw: st.DrawFn, count: int) -> Drawn:
    """Links in one column."""
    trace, span, state = draw(st.sampled_from(_LINK_NAMES))
    dropped = draw(st.sampled_from(_DROPPED))
    spell = draw(st.sampled_from([bytes.hex, *SPELLINGS[:3]]))
    names = {"traceId": trace, "spanId": span, "traceState": state, _DROPPED[0]: dropped}

    def said(link: dict[str, Any]) -> dict[str, Any]:
        written = {
            name: spell(bytes.fromhex(value)) if name in {"traceId", "spanId"} else value
            for name, value in link.items()
        }
        return {names.get(name, name): value for name, value in written.items()}

    return draw(_elements(count, _link(), said, None))


@st.composite
def _elements(
    draw: st.DrawFn,
    count: int,
    one: st.SearchStrategy[dict[str, Any]],
    said: Callable[[dict[str, Any]], dict[str, Any]],
    time: tuple[str, str] | None,
) -> Drawn:
    rows = draw(_rows(count, st.lists(one, max_size=2)))
    values = [[] if row is None else row for row in rows]
    written = [None if row is None else [said(element) for element in row] for row in rows]
    form = draw(st.sampled_from(["text", "bytes", "variant", "structs"]))
    if form == "variant":
        return Drawn(variant_column(written), values)
    if form == "structs":
        return Drawn(_struct_list(written, time, as_text=draw(st.booleans())), values)
    content = [None if row is None else json.dumps(row).encode() for row in written]
    return Drawn(text_array(content, pa.string() if form == "text" else pa.binary()), values)


def _struct_list(rows: Sequence[Any], time: tuple[str, str] | None, *, as_text: bool) -> pa.Array:
    """Lists of structs; attributes are maps of text, or JSON text, and times are numbers."""
    elements = [element for row in rows if row for element in row]
    names = list(dict.fromkeys(name for element in elements for name in element)) or ["name"]
    kinds = {name: pa.string() for name in names}
    kinds |= {name: pa.int64() for name in names if name in {*_DROPPED, *(time or ())}}
    kinds["attributes"] = pa.string() if as_text else pa.map_(pa.string(), pa.string())

    def stored(name: str, value: Any) -> Any:
        if name == "attributes":
            return json.dumps(value) if as_text else list(value.items())
        return int(value) if pa.types.is_integer(kinds[name]) else value

    written = [
        None if row is None else [{n: stored(n, v) for n, v in one.items()} for one in row]
        for row in rows
    ]
    return pa.array(written, pa.list_(pa.struct(list(kinds.items()))))


@st.composite
def sides(
    draw: st.DrawFn, count: int, columns: dict[str, str], *, is_event: bool
) -> tuple[dict[str, pa.Array], Rows]:
    """Events or links in lists side by side: the column of each key, and the values."""
    one = _event(counted=False) if is_event else _link(counted=False)
    rows = draw(_rows(count, st.lists(one, max_size=2)))
    form = draw(st.sampled_from(["json", "map", "bytes"]))
    arrays = {
        column: _side([None if row is None else [e[key] for e in row] for row in rows], key, form)
        for key, column in columns.items()
    }
    return arrays, [[] if row is None else row for row in rows]


def _side(rows: Rows, key: str, form: str) -> pa.Array:
    if key == "timeUnixNano":
        times = [None if row is None else [int(time) for time in row] for row in rows]
        kind = pa.uint64() if form == "json" else pa.timestamp("ns", "UTC")
        return pa.array(times, pa.list_(kind))
    if key == "attributes" and form != "json":
        kind = pa.binary() if form == "bytes" else pa.string()
        pairs = [
            None
            if row is None
            else [[(_as(k, form), _as(v, form)) for k, v in one.items()] for one in row]
            for row in rows
        ]
        return pa.array(pairs, pa.list_(pa.map_(kind, kind)))
    texts = [
        None if row is None else [json.dumps(v) if key == "attributes" else v for v in row]
        for row in rows
    ]
    if form == "bytes":
        encoded = [None if row is None else [one.encode() for one in row] for row in texts]
        return pa.array(encoded, pa.list_(pa.binary()))
    return pa.array(texts, pa.list_(pa.string()))


def _as(text: str, form: str) -> str | bytes:
    return text.encode() if form == "bytes" else text


def _event(*, counted: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    fields = {
        "name": TEXT,
        "timeUnixNano": st.integers(T0, T0 + 10**12).map(str),
        "attributes": TEXT_OBJECTS,
    }
    dropped = {"droppedAttributesCount": st.integers(0, 9)} if counted else {}
    return st.fixed_dictionaries(fields, optional=dropped)


def _link(*, counted: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    fields = {
        "traceId": st.integers(1, 2**128 - 1).map(lambda number: f"{number:032x}"),
        "spanId": st.integers(1, 2**64 - 1).map(lambda number: f"{number:016x}"),
        "traceState": TEXT,
        "attributes": TEXT_OBJECTS,
    }
    dropped = {"droppedAttributesCount": st.integers(0, 9)} if counted else {}
    return st.fixed_dictionaries(fields, optional=dropped)


def _rows(count: int, one: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    return st.lists(st.none() | one, min_size=count, max_size=count)


def _without_none(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _pairs(row: dict[str, Any] | None) -> list[dict[str, Any]] | None:
    return None if row is None else [{"key": k, "value": v} for k, v in row.items()]


def _pair_list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct([("key", pa.string()), ("value", kind)]))


def _any_value(value: Any, members: tuple[str, ...]) -> dict[str, Any]:
    text, whole, double, truth = members
    if isinstance(value, bool):
        return {truth: value}
    if isinstance(value, str):
        return {text: value}
    return {whole if isinstance(value, int) else double: value}

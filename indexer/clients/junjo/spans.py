"""A canonical span as Junjo's ``spans`` and ``state_patches`` have it, as its clients expect.

The columns, defaults and event names are those of Junjo's tables in DuckDB. Two of its faults are
not taken over: span kinds have OTLP's numbers, and times are cut to the microsecond, not rounded.
Pure; ``sql_views`` says the same in SQL, from the same table of names.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from indexer.clients.junjo.event_names import SET_STATE
from indexer.clients.junjo.times import TIME_MAX, event_time, iso_time
from indexer.deferred_dataclass import dataclass
from indexer.query.span import UNREADABLE, Span
from indexer.read.normalise import canonical


@dataclass(frozen=True, slots=True)
class Lifted:
    """A column that comes out of an attribute: the first of the names that has text.

    ``names`` are the attribute's names, the oldest first. A column ``of_workflows`` is only
    there for workflows and subflows, one that ``is_json`` holds JSON text.
    """

    column: str
    names: tuple[str, ...]
    is_json: bool = False
    of_workflows: bool = False

    @property
    def absent(self) -> str:
        """The column where no attribute gives it."""
        return "{}" if self.is_json else ""


ID = Lifted("junjo_id", ("junjo.id", "junjo.executable_runtime_id"))
PARENT_ID = Lifted("junjo_parent_id", ("junjo.parent_id", "junjo.parent_executable_runtime_id"))
SPAN_TYPE = Lifted("junjo_span_type", ("junjo.span_type",))
STATE_START = Lifted("junjo_wf_state_start", ("junjo.workflow.state.start",), True, True)
STATE_END = Lifted("junjo_wf_state_end", ("junjo.workflow.state.end",), True, True)
GRAPH = Lifted(
    "junjo_wf_graph_structure",
    ("junjo.workflow.graph_structure", "junjo.workflow.execution_graph_snapshot"),
    True,
    True,
)
STORE_ID = Lifted("junjo_wf_store_id", ("junjo.workflow.store.id",), False, True)
LIFTED = (ID, PARENT_ID, SPAN_TYPE, STATE_START, STATE_END, GRAPH, STORE_ID)
"""In the order of the columns. Names that are not the first are those of SDKs since contract 2."""

LEAVING = (*(one.names[0] for one in LIFTED), "junjo.workflow_id", "node.id")
"""Attributes that are not in ``attributes_json`` when they are text, as in Junjo's table; any other
value stays there. Newer names stay too: who knows them looks for them among the attributes. The
span as it was sent, these and all, is what ``trace`` and ``otel_spans`` have."""

_LEAVING = frozenset(LEAVING)
_LIFTED_NAMES = frozenset(name for one in LIFTED for name in one.names)
NAMES_READ = _LEAVING | _LIFTED_NAMES
"""Of an attribute with another name nothing depends but the attributes themselves."""
_NOTHING_LIFTED = {one.column: one.absent for one in LIFTED}

WORKFLOW, NODE = "workflow", "node"
WORKFLOW_TYPES = (WORKFLOW, "subflow")
"""Values of ``junjo.span_type`` whose spans have a state, a graph and a store."""

PATCH = "junjo.state_json_patch"
PATCH_STORE_ID = "junjo.store.id"

KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
"""By OTLP's number (opentelemetry/proto/trace/v1/trace.proto); any other is not specified."""

FLAGS_MAX = 2**31 - 1
"""What INTEGER holds. OTLP keeps the bits above the tenth zero; other flags are null here."""
_LAST = TIME_MAX + 1

INTERNAL = 1
"""The kind of the spans that Junjo makes."""
PATCH_NAMESPACE = uuid.NAMESPACE_OID
"""RFC 9562 has none for spans. Never to be changed."""


class Patch(NamedTuple):
    """One patch event: when, in nanoseconds, and its place among all events of the span."""

    time_unix_nano: int | None
    position: int
    attributes: Mapping[str, Any]


def junjo_span(span: Span) -> dict[str, Any]:
    """The 22 columns of ``spans``, JSON columns of attributes, events and links as values.

    A payload that is absent or could not be read has the empty values that Junjo gave it; which it
    is, the answer says beside the span. Attributes, events or links that are no JSON are one
    text, the stored one; a state or graph that is none is a JSON string of it. Raises nothing for
    any payload.
    """
    payload = span.payload or UNREADABLE
    attributes = payload_value("attributes", payload.attributes)
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id or None,
        "service_name": span.service_name,
        "name": span.name,
        "kind": kind_name(span.span_kind),
        "start_time": iso_time(span.start_time_unix_nano),
        "end_time": iso_time(span.end_time_unix_nano or 0),
        "status_code": str(span.status_code),
        "status_message": payload.status_message or "",
        "attributes_json": remaining_attributes(attributes),
        "events_json": _events(payload_value("events", payload.events)),
        "links_json": payload_value("links", payload.links),
        "trace_flags": _flags(payload.flags),
        "trace_state": payload.trace_state,
        **lifted_columns(attributes),
    }


def state_patches(span: Span) -> list[dict[str, Any]]:
    """The rows of ``state_patches`` of one span, in order of event time, then of position.

    A patch has the same ``patch_id`` whenever it is asked for: it is derived from what identifies
    the span and the event's position. An event without a readable time has none and comes last.
    """
    return [row for _, row in _timed_patches(span)]


def state_patches_of(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """The same of several spans: in order of event time to the nanosecond, then of the spans."""
    found = [one for span in spans for one in _timed_patches(span)]
    return [row for _, row in sorted(found, key=lambda one: one[0])]


def _timed_patches(span: Span) -> list[tuple[int, dict[str, Any]]]:
    payload = span.payload or UNREADABLE
    lifted = lifted_columns(payload_value("attributes", payload.attributes))
    span_type, junjo_id = lifted[SPAN_TYPE.column], lifted[ID.column]
    return [
        (
            _LAST if patch.time_unix_nano is None else patch.time_unix_nano,
            {
                "patch_id": patch_id(span, patch.position),
                "service_name": span.service_name,
                "trace_id": span.trace_id,
                "span_id": span.span_id,
                "workflow_id": junjo_id if span_type == WORKFLOW else "",
                "node_id": junjo_id if span_type == NODE else "",
                "event_time": None
                if patch.time_unix_nano is None
                else iso_time(patch.time_unix_nano),
                "patch_json": _json_text(_text(patch.attributes, PATCH) or "{}"),
                "patch_store_id": _text(patch.attributes, PATCH_STORE_ID),
            },
        )
        for patch in _patches(payload_value("events", payload.events))
    ]


def patch_id(span: Span, position: int) -> str:
    """A UUID of version 5 (RFC 9562), of ``trace_id/span_id/position``.

    And ``/kind``, by OTLP's number, of a span that is not internal: two may share their ids.
    """
    kind = "" if span.span_kind == INTERNAL else f"/{span.span_kind}"
    return str(uuid.uuid5(PATCH_NAMESPACE, f"{span.trace_id}/{span.span_id}/{position}{kind}"))


def kind_name(number: int) -> str:
    """The name of OTLP's number."""
    return KINDS[number] if 0 <= number < len(KINDS) else KINDS[0]


def _flags(flags: int | None) -> int | None:
    return None if flags is not None and flags > FLAGS_MAX else flags or 0


def payload_value(name: str, value: Any) -> Any:
    """A payload column that holds JSON: as ``canonical`` makes it, or still its text."""
    if isinstance(value, str):
        value = canonical(name, value)
    if value is None:
        return [] if name in ("events", "links") else {}
    return value


def remaining_attributes(attributes: Any) -> Any:
    """The attributes that no column has; other than an object, they stay as they are."""
    if not isinstance(attributes, Mapping):
        return attributes
    if _LEAVING.isdisjoint(attributes):
        return dict(attributes)
    return {
        key: value
        for key, value in attributes.items()
        if key not in LEAVING or not isinstance(value, str)
    }


def lifted_columns(attributes: Any) -> dict[str, str]:
    """The columns that come out of attributes, in their order."""
    found = attributes if isinstance(attributes, Mapping) else {}
    if _LIFTED_NAMES.isdisjoint(found):
        return dict(_NOTHING_LIFTED)
    of_workflow = _text(found, *SPAN_TYPE.names) in WORKFLOW_TYPES
    return {
        one.column: _column(one, found) if of_workflow or not one.of_workflows else one.absent
        for one in LIFTED
    }


def _column(lifted: Lifted, attributes: Mapping[str, Any]) -> str:
    text = _text(attributes, *lifted.names) or lifted.absent
    return _json_text(text) if lifted.is_json else text


def _text(attributes: Mapping[str, Any], *names: str) -> str:
    """The first text under any of the names that is not empty."""
    texts = (attributes.get(name) for name in names)
    return next((text for text in texts if text and isinstance(text, str)), "")


def _json_text(text: str) -> str:
    """JSON as it stands; other text as a JSON string."""
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return json.dumps(text, ensure_ascii=False)
    return text


def _events(events: Any) -> Any:
    """Times as numbers, as Junjo's table had them; what is not a time stays as it is."""
    if not isinstance(events, list):
        return events
    return [_with_number(event) for event in events]


def _with_number(event: Any) -> Any:
    time = event_time(event) if isinstance(event, Mapping) else None
    return event if time is None else {**event, "timeUnixNano": time}


def _patches(events: Any) -> list[Patch]:
    found = [
        Patch(event_time(event), position, _object(event.get("attributes")))
        for position, event in enumerate(events if isinstance(events, list) else [])
        if isinstance(event, Mapping) and event.get("name") == SET_STATE
    ]
    return sorted(found, key=lambda one: (_LAST if one[0] is None else one[0], one.position))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

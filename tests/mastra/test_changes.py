"""Any order of creates, updates and resends gives what a plain dictionary would hold."""

import re
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.mastra.changes import StoredSpan, merge, row_values
from indexer.mastra.columns import CREATED, UPDATABLE, updated_bits
from indexer.mastra.trace_roots import ROOT_COLUMNS
from tests.mastra.samples import at, span

pytestmark = pytest.mark.duckdb

_examples = count()
KEYS = st.tuples(st.sampled_from(["t1", "t2"]), st.sampled_from(["s1", "s2"]))
VALUES = st.none() | st.integers(0, 3) | st.just({"a": [None]})
FIELDS = {
    "input": VALUES,
    "metadata": st.none() | st.dictionaries(st.sampled_from("ab"), VALUES, max_size=2),
    "tags": st.none() | st.lists(st.sampled_from("xy"), max_size=2),
    "threadId": st.none() | st.sampled_from("uv"),
    "endedAt": st.none() | st.just(at(5)),
    "parentSpanId": st.none() | st.just("s1"),
}
COLUMNS = {name: re.sub("([A-Z])", r"_\1", name).lower() for name in FIELDS}
_COLUMNS = ", ".join(ROOT_COLUMNS)
WRONG_ROOTS = f"""
    WITH expected AS (
        SELECT {_COLUMNS} FROM mastra_spans WHERE created_at IS NOT NULL AND parent_span_id IS NULL
    ), kept AS (SELECT {_COLUMNS} FROM mastra_roots)
    (FROM expected EXCEPT ALL FROM kept) UNION ALL (FROM kept EXCEPT ALL FROM expected)
"""
CHANGES = st.fixed_dictionaries({}, optional=FIELDS)
STEPS = st.lists(
    st.tuples(st.just("create"), st.lists(st.tuples(KEYS, CHANGES), min_size=1, max_size=3))
    | st.tuples(st.just("update"), st.lists(st.tuples(KEYS, CHANGES), min_size=1, max_size=3))
    | st.tuples(st.just("resend"), st.just([])),
    min_size=1,
    max_size=5,
)


class Model:
    """What a span was created with, and over it what updates have set."""

    def __init__(self):
        self.created, self.updated = {}, {}

    def apply(self, kind, entries):
        for key, fields in entries:
            if kind == "update":
                self.updated.setdefault(key, {}).update(fields)
            elif not (self.created.get(key, {}).get("endedAt") and not fields.get("endedAt")):
                self.created[key] = {name: fields.get(name) for name in FIELDS}

    def state(self):
        return {key: made | self.updated.get(key, {}) for key, made in self.created.items()}


def apply(spans, kind, entries, prefix):
    if kind == "create":
        spans.batch_create_spans(
            [span(prefix + trace, one, **fields) for (trace, one), fields in entries]
        )
    else:
        spans.batch_update_spans(
            [
                {"traceId": prefix + trace, "spanId": one, "updates": fields}
                for (trace, one), fields in entries
            ]
        )


def state(spans, prefix):
    found = [each for name in ("t1", "t2") if (each := spans.get_trace(prefix + name))]
    return {
        (one.trace_id.removeprefix(prefix), one.span_id): {
            name: one.model_dump(by_alias=True)[name] for name in FIELDS
        }
        for each in found
        for one in each.spans
    }


class Rows:
    """A table as dictionaries, changed as the store changes its own."""

    def __init__(self):
        self.rows = {}

    def apply(self, kind, entries):
        if kind == "update":
            merged = merge([], [(key, renamed(fields)) for key, fields in entries])
        else:
            created = [(key, renamed(fields)) for key, fields in entries]
            merged = merge([(key, set_ones(fields)) for key, fields in created], [])
        for key, change in merged.items():
            values, layers = self.rows.get(key, ({}, 0))
            row = row_values(change, StoredSpan(0, None, layers) if layers else None)
            self.rows[key] = (values | row.values, row.layers)

    def state(self):
        return {
            key: {name: values.get(column) for name, column in COLUMNS.items()}
            for key, (values, layers) in self.rows.items()
            if layers & CREATED
        }


def renamed(fields):
    return {COLUMNS[name]: value for name, value in fields.items()}


def set_ones(fields):
    return {name: value for name, value in fields.items() if value is not None}


def history(steps, apply_one):
    """Apply the steps; a resend is the step before it once more."""
    sent: list = []
    for kind, entries in steps:
        sent += sent[-1:] if kind == "resend" else [(kind, entries)]
        if sent:
            apply_one(*sent[-1])


@settings(max_examples=50, deadline=None)
@given(steps=STEPS)
def test_the_rows_after_any_history_are_what_a_dictionary_holds(steps):
    model, rows = Model(), Rows()
    history(steps, model.apply)
    history(steps, rows.apply)
    assert rows.state() == model.state()


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_any_history_gives_the_state_of_a_dictionary(memory_store, steps):
    spans, model, prefix = memory_store.observability, Model(), f"history {next(_examples)} "
    history(steps, model.apply)
    history(steps, lambda kind, entries: apply(spans, kind, entries, prefix))
    assert state(spans, prefix) == model.state()
    with memory_store.database.reading() as cursor:
        assert cursor.execute(WRONG_ROOTS).fetchall() == []


def test_the_bits_of_columns_are_for_good():
    """They are in the files of users: a column keeps its bit, and a new one comes last."""
    assert UPDATABLE[:6] == (
        "parent_span_id",
        "name",
        "span_type",
        "is_event",
        "started_at",
        "ended_at",
    )
    assert UPDATABLE[-2:] == ("error", "request_context")
    assert updated_bits(["parent_span_id", "request_context"]) == 1 << 2 | 1 << 39

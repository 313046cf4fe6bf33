"""The JSON of an answer has every value of it, under the names that users know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from indexer.clients.shared.answer_json import answer_json, answer_text
from indexer.query.answer import Completeness, HotShare, ServicesAnswer, SpansAnswer
from indexer.query.cost import Cost
from indexer.query.missing import ATTRIBUTES_PENDING, HOT_BOUNDED, Missing
from indexer.query.service_list import Service
from indexer.read.payload import PAYLOAD_COLUMNS
from indexer.spans.payload import Payload
from tests.support.answered_spans import answered
from tests.support.span_files import T0

SAID = Completeness(
    missing=(
        Missing(reason=HOT_BOUNDED, detail="some"),
        Missing(reason=ATTRIBUTES_PENDING, detail="2 files", files=2),
        Missing(reason=HOT_BOUNDED, detail="one", file_path="/a.parquet"),
    ),
    as_of_unix_nano=7,
    hot=HotShare(source="snapshot", spans=1),
    recent_files=("/a.parquet",),
    files_pending=3,
    files_quarantined=4,
)
SAID_JSON = {
    "complete": False,
    "missing": [
        {"error_type": "HotBounded", "detail": "some"},
        {"files": 2, "error_type": "AttributesPending", "detail": "2 files"},
        {"file_path": "/a.parquet", "error_type": "HotBounded", "detail": "one"},
    ],
    "as_of": 7,
    "hot": {"reachable": True, "source": "snapshot", "spans": 1},
    "recent_files": ["/a.parquet"],
    "files_pending": 3,
    "files_quarantined": 4,
}
COST = Cost(files_read=1, bytes_read=2, index_ms=3.00049, payload_ms=4.0)
COST_JSON = {"files_read": 1, "bytes_read": 2, "files_left": 0, "index_ms": 3.0, "payload_ms": 4.0}
SPAN_JSON = {
    "trace_id": "ab" * 16,
    "span_id": "cd" * 8,
    "parent_span_id": None,
    "service_name": "shop",
    "name": "GET /",
    "start_time_unix_nano": T0,
    "end_time_unix_nano": T0 + 1_000,
    "duration_ns": 1_000,
    "status_code": 0,
    "span_kind": 2,
    "file_path": None,
    "file_row_number": None,
}


def test_a_trace_has_its_id_and_no_next_page() -> None:
    answer = SpansAnswer(
        spans=[answered(attributes={"a": 1})], completeness=SAID, cost=COST, trace_id="ab" * 16
    )
    absent = dict.fromkeys(PAYLOAD_COLUMNS)
    assert answer_json(answer) == {
        "trace_id": "ab" * 16,
        "spans": [{**SPAN_JSON, **absent, "attributes": {"a": 1}}],
        "next_cursor": None,
        "cost": COST_JSON,
        **SAID_JSON,
    }


def test_a_list_has_the_next_page_and_only_the_payload_that_was_asked_for() -> None:
    spans = [answered(value="x"), answered(attributes={})]
    partial = spans[1].with_payload(Payload(omitted={"events": 2}))
    answer = SpansAnswer(
        spans=[spans[0], partial], completeness=SAID, cost=COST, next_cursor="there"
    )
    found = answer_json(answer)
    assert found["next_cursor"] == "there"
    assert found["spans"][0] == {**SPAN_JSON, "value": "x"}
    assert found["spans"][1]["omitted"] == {"events": 2}
    assert {name: found[name] for name in SAID_JSON} == SAID_JSON


def test_services_are_rows_with_times() -> None:
    at = datetime(2026, 11, 18, tzinfo=UTC)
    service = Service(service_name="shop", first_seen=at, last_seen=at, total_spans=2)
    quiet = Completeness(hot=HotShare(source=None, spans=0))
    answer = ServicesAnswer(services=[service], completeness=quiet)
    found = answer_json(answer)
    assert found["services"] == [
        {"service_name": "shop", "first_seen": at, "last_seen": at, "total_spans": 2}
    ]
    assert found["complete"]
    assert found["hot"] == {"reachable": False, "source": None, "spans": 0}
    alone = replace(answer, completeness=Completeness())
    assert answer_json(alone)["hot"] is None
    assert answer_text(alone).startswith(b'{"services":[{"service_name":"shop"')

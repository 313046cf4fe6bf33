"""Whatever form a file has, it has the rows of its messages; whatever is damaged has none."""

import warnings
from itertools import product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from indexer.errors import InvalidOtlp, NotOtlp
from indexer.otlp.files.scan import SkippedRecords
from indexer.otlp.rows.schemas import TABLES
from indexer.otlp.rows.tables import rows as table_rows
from indexer.spans.limits import SPAN_LIMITS
from tests.otlp import signal_messages
from tests.otlp.file_forms import FORMS, WHOLE, framed, pretty, rows_of, scan
from tests.support.otlp_json import json_line
from tests.support.otlp_samples import logs, metrics, samples, traces

few = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
REQUESTS = {"traces": traces, "logs": logs, "metrics": metrics}
MEMBERS = {"traces": "resource_spans", "logs": "resource_logs", "metrics": "resource_metrics"}
LINE = samples()["traces_simple.jsonl"]


def expected(kind, signal, requests):
    return [
        row
        for request in requests
        for row in rows_of(table_rows(kind, signal, getattr(request, MEMBERS[signal])))
    ]


def has_record(signal, request):
    return bool(expected("unified", signal, [request]))


def same(left, right):
    """Rows are equal, and NaN is NaN."""
    return repr(left) == repr(right)


@pytest.mark.parametrize("signal", REQUESTS)
def test_the_samples_have_their_rows_in_every_form(signal):
    requests = [REQUESTS[signal]()] * 3
    wanted = expected("unified", signal, requests)
    for form, whole in product(FORMS, WHOLE):
        found, stats = scan(WHOLE[whole](FORMS[form](requests)), "unified")
        assert found == wanted, (form, whole)
        assert (stats.compression, stats.skipped, stats.lenient) == (whole, 0, 0)


@pytest.mark.parametrize("signal", REQUESTS)
@given(data=st.data())
@few
def test_any_message_has_the_same_rows_in_every_form(signal, data):
    request = data.draw(getattr(signal_messages, signal))
    assume(has_record(signal, request))
    form = data.draw(st.sampled_from(sorted(FORMS)))
    whole = data.draw(st.sampled_from(sorted(WHOLE)))
    content = WHOLE[whole](FORMS[form]([request, request]))
    kinds = [name for name, table in TABLES.items() if signal in table.signals]
    kind = data.draw(st.sampled_from(kinds))
    found, stats = scan(content, kind, portion=data.draw(st.sampled_from([7, 1 << 20])))
    assert stats.skipped == 0
    assert same(found, expected(kind, signal, [request] * 2))


@pytest.mark.parametrize("form", [form for form in FORMS if not form.startswith("json")])
def test_a_length_that_is_a_bracket_does_not_make_json_of_protobuf(form):
    """The key of the first field is a line feed: a length of 91 or 123 looks as JSON begins."""
    for text in range(90):
        request = logs()
        del request.resource_logs[1:]
        only = request.resource_logs[0]
        only.Clear()
        only.resource.attributes.add(key="a").value.bool_value = True
        only.scope_logs.add().log_records.add(time_unix_nano=1, severity_text="x" * text)
        found, stats = scan(FORMS[form]([request, request]), "logs")
        assert same(found, expected("logs", "logs", [request] * 2)), only.ByteSize()
        assert (stats.skipped, stats.lenient) == (0, 0)


@given(data=st.data())
@settings(few, max_examples=60)
def test_damage_never_crashes_and_never_makes_more_rows(data):
    """Cut, or with a byte overwritten: a file of three requests has at most their nine spans."""
    form, whole = data.draw(st.sampled_from(sorted(product(FORMS, WHOLE))))
    content = bytearray(WHOLE[whole](FORMS[form]([traces()] * 3)))
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] = data.draw(st.integers(0, 255))
    else:
        del content[at:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkippedRecords)
        try:
            found, _ = scan(bytes(content))
        except NotOtlp:
            return
    assert len(found) <= 9


@given(st.binary(max_size=300))
@settings(few, max_examples=100)
def test_noise_is_not_otlp(content):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkippedRecords)
        try:
            found, _ = scan(content)
        except NotOtlp:
            return
    assert found == []


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"json-in-a-row"}))
def test_a_file_that_is_cut_has_what_comes_before_the_cut(form):
    content = FORMS[form]([traces()] * 3)
    with pytest.warns(SkippedRecords, match="skipped 1 malformed"):
        found, stats = scan(content[:-40])
    assert stats.skipped == 1
    assert found in (expected("traces", "traces", [traces()] * 2), [])


@pytest.mark.parametrize("whole", ["gzip", "zstd"])
def test_a_compressed_file_that_is_cut_has_what_comes_before_the_cut(whole):
    content = WHOLE[whole](LINE * 3)
    with pytest.warns(SkippedRecords, match="ends early|Truncated"):
        _, stats = scan(content[:-8])
    assert stats.first_error is not None


def test_a_damaged_message_costs_only_itself():
    body = traces().SerializeToString()
    broken = body.replace(b"GET /users", b"GET \xff\xff\xff\xff\xff\xff")
    with pytest.warns(SkippedRecords, match="skipped 1 malformed of 3"):
        found, _ = scan(framed([body, broken, body]))
    assert found == expected("traces", "traces", [traces()] * 2)


def test_a_damaged_resource_of_a_file_of_one_message_costs_only_itself():
    body = traces().SerializeToString()
    broken = body.replace(b"GET /users", b"GET \xff\xff\xff\xff\xff\xff")
    with pytest.warns(SkippedRecords, match="byte 499: .*"):
        found, stats = scan(body + broken + body)
    assert (len(found), stats.skipped, stats.error_offset) == (6, 1, len(body))


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("form", ["json-lines", "protobuf", "length-prefixed"])
def test_spans_that_are_read_by_columns_are_the_same(form, whole, monkeypatch):
    monkeypatch.setattr("indexer.otlp.files.scan.COLUMNS_BYTES_MIN", 0)
    found, stats = scan(WHOLE[whole](FORMS[form]([traces()] * 3)))
    assert found == expected("traces", "traces", [traces()] * 3)
    assert (stats.rows, stats.skipped) == (9, 0)


@pytest.mark.parametrize("least", [0, 1 << 30], ids=["by columns", "by messages"])
def test_a_span_beyond_limits_is_clipped_alike_in_json_and_protobuf(least, monkeypatch):
    monkeypatch.setattr("indexer.otlp.files.scan.COLUMNS_BYTES_MIN", least)
    request = traces()
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.links.extend([Span.Link()] * (SPAN_LIMITS.links + 1))
    wanted, stats = scan(request.SerializeToString())
    assert wanted != expected("traces", "traces", [request])
    assert (stats.records, stats.clipped) == (1, 1)
    found, stats = scan(json_line(request))
    assert found == wanted
    assert (stats.records, stats.clipped) == (1, 1)


def test_values_that_otlp_forbids_are_read_and_counted():
    line = LINE.replace(b'"kind": 2', b'"kind": "SPAN_KIND_SERVER"').replace(
        b'"0af7651916cd43dd8448eb211c80319c"', b'"CvdlGRbNQ92ESOshHIAxnA=="', 1
    )
    found, stats = scan(line)
    assert found == expected("traces", "traces", [traces()])
    assert stats.lenient == 2


def test_signals_may_be_mixed_in_one_file():
    content = b"".join(json_line(make()) for make in REQUESTS.values())
    assert [len(scan(content, kind)[0]) for kind in ("traces", "logs", "sum")] == [3, 2, 2]
    assert scan(content, "logs")[1].other_signals == 2
    content = framed([make().SerializeToString() for make in REQUESTS.values()])
    assert [len(scan(content, kind)[0]) for kind in ("traces", "logs", "sum")] == [3, 2, 2]


def test_a_hint_decides_where_structure_does_not():
    nameless = b"\x0a\x06\x12\x04\x12\x02\x2a\x00"  # one record with an empty field 5
    assert len(scan(nameless, "logs")[0]) == 1
    assert len(scan(nameless, "traces", signal="traces")[0]) == 1


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"a,b\n1,2\n", "text that begins with 'a,b"),
        (bytes(64), "bytes that begin with 00 00"),
        (b'{"a": 1}\n{"a": 2}\n', "an object of 'a', without resourceSpans"),
        (b'{"resource_spans": []}\n', "snake_case"),
        (b"[1, 2]", "a JSON int where an object should be"),
        (b"{]", "invalid JSON"),
        (WHOLE["gzip"](b"a,b\n1,2\n"), "text that begins with 'a,b"),
    ],
)
def test_a_file_in_which_nothing_is_otlp_is_refused_with_what_was_found(content, what):
    with pytest.raises(NotOtlp) as refused:
        scan(content)
    assert what in refused.value.message


def test_the_first_problem_can_end_the_reading():
    with pytest.raises(InvalidOtlp, match=f"file: line 2, byte {len(LINE)}: invalid JSON"):
        scan(LINE + b"{]\n" + LINE, on_error="fail")


@pytest.mark.parametrize("kind", ["traces", "unified"])
def test_messages_that_together_repeat_gigabytes_are_skipped_from_there_on(kind):
    request = traces()
    request.resource_spans[0].resource.attributes.add(key="a").value.string_value = "x" * 100_000
    spans = request.resource_spans[0].scope_spans[0].spans
    for _ in range(1_500):
        spans.add(name="n")
    with pytest.warns(SkippedRecords, match="skipped 2 malformed of 3 .* with its neighbours"):
        found, _ = scan(framed([request.SerializeToString()] * 3), kind)
    assert len(found) == len(spans)


def test_a_resource_that_a_table_would_repeat_for_gigabytes_is_skipped():
    request = traces()
    request.resource_spans[0].resource.attributes.add(key="a").value.string_value = "x" * 1_000_000
    spans = request.resource_spans[0].scope_spans[0].spans
    for _ in range(300):
        spans.add().CopyFrom(spans[0])
    for content in (request.SerializeToString(), json_line(request), pretty(request)):
        with pytest.warns(SkippedRecords, match="resources and scopes, repeated"):
            assert scan(content)[1].skipped == 1

"""``up`` as an operator meets it: one command between the SDKs of applications and the answers.

The SDKs judge: what their own memory says of a span is what an answer has to say, while the span
is hot and once it is in a file.
"""

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)

from tests.support.examples import one_of
from tests.support.junjo_app import SERVICE
from tests.support.processes import REPOSITORY, Site, wait_until
from tests.support.sdk_spans import answered, two_services
from tests.support.tcp import Dashboards
from tests.support.up import (
    Load,
    Ports,
    flush,
    kill_alone,
    prepare,
    processes_of,
    sending,
    span_files,
    spans_in_index,
    spans_of,
    start_up,
    wait_indexed,
    wait_receiving,
    whole,
)

pytestmark = [pytest.mark.process]

PLACE = ("file_path", "file_row_number")


def exporter(protocol: str, ports: Ports):
    if protocol == "gRPC":
        return OTLPSpanExporter(endpoint=f"127.0.0.1:{ports.grpc}", insecure=True)
    return HttpSpanExporter(endpoint=f"http://127.0.0.1:{ports.http}/v1/traces")


def found(site: Site, trace: int) -> tuple[list[str], set[bool]]:
    """The spans of a complete answer, and whether they lie in files."""
    spans = whole(site, trace)["spans"]
    in_files = {span["file_path"] is not None for span in spans}
    return [as_text({k: v for k, v in span.items() if k not in PLACE}) for span in spans], in_files


def as_text(span: dict) -> str:
    """To Python 1, 1.0 and true are equal; in JSON they differ."""
    return json.dumps(span, sort_keys=True, ensure_ascii=False)


def in_order(spans: list[dict]) -> list[dict]:
    return sorted(spans, key=lambda span: (span["start_time_unix_nano"], span["span_id"]))


def as_found(spans: list[dict]) -> list[str]:
    return [as_text(span) for span in in_order(spans)]


def send_some(ports: Ports, seed: int, spans: int = 300) -> Load:
    load = Load(random.Random(seed))
    with sending(load, ports, spans=spans, pause_s=0) as all_sent:
        all_sent()
    assert load.refusals == []
    return load


@pytest.mark.parametrize("protocol", ["gRPC", "HTTP"])
def test_what_the_sdk_has_is_answered_hot_and_cold(site: Site, protocol: str) -> None:
    """Over two services, with every kind of value: the same before the flush and after it."""
    ports = prepare(site)
    start_up(site)
    sent = two_services(exporter(protocol, ports))
    traces = defaultdict(list)
    for span in sent:
        traces[span.context.trace_id].append(answered(span))
    assert {span["service_name"] for spans in traces.values() for span in spans} == {"shop", "pay"}
    for trace, expected in traces.items():
        assert found(site, trace) == (as_found(expected), {False})
    flush(ports)
    wait_indexed(site)
    for trace, expected in traces.items():
        assert found(site, trace) == (as_found(expected), {True})
        answer = site.call("trace", f"{trace:032x}", "--json")
        assert answer.code == 0, answer.err
        assert [span["span_id"] for span in answer.json["spans"]] == [
            span["span_id"] for span in in_order(expected)
        ]
    assert site.call("audit").code == 0


def test_the_command_shows_hot_spans(site: Site) -> None:
    """`trace --json` finds what is in no file, and its waterfall has all names."""
    ports = prepare(site)
    start_up(site)
    sent = two_services(exporter("gRPC", ports))
    trace = f"{sent[0].context.trace_id:032x}"
    whole(site, sent[0].context.trace_id)
    answer = site.call("trace", trace, "--json")
    assert (answer.code, span_files(site)) == (0, [])
    assert {span["file_path"] for span in answer.json["spans"]} == {None}
    shown = site.call("trace", trace)
    assert shown.code == 0
    assert all(span.name in shown.out for span in sent)


def test_junjo_workflows_are_found_whole(site: Site) -> None:
    """State patches and a failure, from the Junjo SDK with its API key, hot and cold."""
    ports = prepare(site, INGESTION_API_KEY="the key of this test")
    start_up(site)
    command = [sys.executable, "-m", "tests.support.junjo_app", f"127.0.0.1:{ports.grpc}"]
    done = subprocess.run(
        [*command, "the key of this test"],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=200,
        check=True,
    )
    traces = defaultdict(list)
    for span in json.loads(done.stdout):
        traces[int(span["trace_id"], 16)].append(span)
    works, fails = traces.values()
    assert [len(works), len(fails)] == [3, 3]
    patches = Counter(event["name"] for span in works + fails for event in span["events"])
    assert patches["set_state"] == 4
    assert patches["exception"] > 0
    assert {span["status_code"] for span in works} == {0}
    assert 2 in {span["status_code"] for span in fails}
    asked = Dashboards(site)
    over_http = []
    for is_cold in (False, True):
        for trace, expected in traces.items():
            assert found(site, trace) == (as_found(expected), {is_cold})
        over_http.append(junjo_answers(asked, traces))
        flush(ports)
        wait_indexed(site)
    assert over_http[0] == over_http[1]
    (service,) = site.get("/services").json["services"]
    assert (service["service_name"], service["total_spans"]) == (SERVICE, 6)


def junjo_answers(asked: Dashboards, traces: Iterable[int]) -> list[Any]:
    """What Junjo's front end is told of two workflows with two patches each."""
    answers = [asked.get("/api/v1/observability/services")]
    answers.append(asked.get(f"/otel/spans/type/workflow/{quote(SERVICE)}"))
    assert answers[0].json == [SERVICE]
    flows = answers[1].json
    assert {(flow["junjo_span_type"], flow["parent_span_id"]) for flow in flows} == {
        ("workflow", None)
    }
    assert {int(flow["trace_id"], 16) for flow in flows} == set(traces)
    for flow in flows:
        path = f"/otel/trace/{flow['trace_id']}"
        answers.append(asked.get(f"{path}/nested_spans"))
        answers.append(asked.get(f"{path}/workflow/{flow['junjo_id']}/state_patches"))
        assert (len(answers[-2].json), len(answers[-1].json)) == (3, 2)
        assert flow["junjo_wf_graph_structure"]["nodes"]
    assert {answer.headers["x-complete"] for answer in answers} == {"true"}
    return [answer.json for answer in answers]


def test_a_stop_leaves_everything_in_files_and_in_the_index(site: Site, seed: int) -> None:
    """SIGTERM: exit 0, and the commands that need no process find all of it."""
    ports = prepare(site)
    up = start_up(site)
    load = send_some(ports, seed)
    assert span_files(site) == []
    assert site.end(up) == 0, up.err
    assert processes_of(up) == []
    assert spans_in_index(site) == load.all_acknowledged
    for trace in load.traces:
        answer = site.call("trace", f"{trace:032x}", "--json").json
        assert spans_of(answer) == load.acknowledged(trace)
        assert answer["complete"]
    assert site.call("audit").code == 0


def test_ctrl_c_in_a_terminal_is_a_clean_stop(site: Site, seed: int) -> None:
    """A terminal signals all processes of its group at once, and nothing is lost by it."""
    ports = prepare(site)
    up = start_up(site)
    load = send_some(ports, seed)
    for pid in processes_of(up):
        _signal(pid, signal.SIGINT)
    assert up.wait() == 0, up.err
    assert site.call("--once").code == 0
    assert spans_in_index(site) == load.all_acknowledged


def test_two_different_folders_are_refused(site: Site) -> None:
    """Written to one and indexed in another, nothing would ever be found."""
    prepare(site, SPAN_STORAGE_PATH=site.folder / "elsewhere")
    done = site.run("up")
    assert done.code == 2
    assert "SPAN_STORAGE_PATH" in done.err


@pytest.mark.parametrize("part", one_of("worker", "ingestion"))
def test_up_ends_when_a_part_of_it_dies(site: Site, seed: int, part: str) -> None:
    """With 1, so that whoever watches over it starts both again; and that finds everything."""
    ports = prepare(site)
    up = start_up(site)
    load = send_some(ports, seed)
    worker = site.status()["process_id"]
    (ingestion,) = [pid for pid in processes_of(up) if _is_ingestion(pid)]
    _signal(worker if part == "worker" else ingestion, signal.SIGKILL)
    assert up.wait() == 1
    wait_until(lambda: not processes_of(up), "the end of all that it started")
    start_up(site)
    for trace in load.traces:
        assert spans_of(whole(site, trace)) == load.acknowledged(trace)


def test_a_killed_up_leaves_nobody_behind(site: Site, seed: int) -> None:
    """`kill -9`: its processes end by themselves, and the next one has the same folders."""
    ports = prepare(site, FLUSH_MAX_ROWS=100)
    up = start_up(site)
    load = send_some(ports, seed)
    wait_until(lambda: span_files(site), "a flush, and so a process that writes files")
    kill_alone(up)
    wait_until(lambda: not processes_of(up), lambda: f"their end: {processes_of(up)}")
    wait_receiving(again := site.start("up"))
    site.wait_ready(again)
    for trace in load.traces:
        assert spans_of(whole(site, trace)) == load.acknowledged(trace)
    assert site.end(again) == 0, again.err
    assert spans_in_index(site) == load.all_acknowledged


def _is_ingestion(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False  # it ended meanwhile
    return words[-2:] == [b"ingest", b""]


def _signal(pid: int, number: signal.Signals) -> None:
    """To a process that may be ending already."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)

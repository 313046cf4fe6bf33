"""The lists of services and traces are for people, exact as JSON, and a flush says how it ended."""

from tests.support.doors import grpc_door
from tests.support.processes import Site, free_ports
from tests.support.served import StubHost, serving
from tests.support.span_files import spans


def test_services_and_the_newest_roots_are_listed(site: Site) -> None:
    site.write("a.parquet", spans(4, trace=7))
    assert site.call("--once").code == 0
    (service,) = site.call("services", "--json").json["services"]
    assert service["total_spans"] == 4
    head, row = site.call("services").out.splitlines()
    assert head.split() == ["service_name", "first_seen", "last_seen", "total_spans"]
    assert row.split()[0] == service["service_name"]
    (root,) = site.call("traces", "--json", "--service", service["service_name"]).json["spans"]
    assert root["parent_span_id"] is None
    head, row = site.call("traces").out.splitlines()
    assert head.split() == ["trace_id", "service_name", "name", "start_time", "duration", "status"]
    assert row.startswith(f"{7:032x}  ")
    assert site.call("traces", "--service", "nobody").out == "no traces\n"


def test_a_flush_says_that_spans_are_in_files_or_that_nobody_answers(site: Site) -> None:
    with grpc_door("internal", site.folder) as door:
        site.set(INGESTION_GRPC_PORT=door.port)
        done = site.call("flush")
        assert (done.code, done.err) == (0, "")
        assert "is in a file" in done.out
    site.set(INGESTION_GRPC_PORT=free_ports(1)[0])
    done = site.call("flush")
    assert done.code == 1
    assert done.err.startswith("error: FlushWAL: UNAVAILABLE")


def test_a_flush_asks_the_service_that_the_worker_reads_from(site: Site) -> None:
    with grpc_door("internal", site.folder) as door:
        site.set(INGESTION_GRPC_PORT=free_ports(1)[0])
        site.pointer.parent.mkdir()
        hot = {"target": f"127.0.0.1:{door.port}"}
        with serving(host=StubHost(state="running", hot=hot), socket_folder=site.pointer.parent):
            assert site.call("flush").code == 0

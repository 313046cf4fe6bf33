"""``doctor`` tries what a start rests on, and says what to do about each finding."""

from tests.support.processes import Site


def checks(site: Site) -> dict[str, dict[str, object]]:
    done = site.call("doctor", "--json")
    found = {one["name"]: one for one in done.json["checks"]}
    assert (done.code == 0) == all(one["ok"] for one in found.values())
    return found


def test_a_machine_that_is_well_answers_a_span_end_to_end_and_keeps_nothing(site: Site) -> None:
    site.set(
        INGESTION_WAL_PATH=site.folder / "log" / "wal.sqlite",
        INGESTION_OTLP_GRPC_LISTEN="127.0.0.1:0",
        INGESTION_OTLP_HTTP_LISTEN="127.0.0.1:0",
        INGESTION_GRPC_PORT=0,
    )
    found = checks(site)
    assert set(found) == {"versions", "paths", "ports", "watches", "clock", "memory", "end to end"}
    for name, one in found.items():
        assert one["ok"] or name == "memory", one
    assert "indexed and answered" in str(found["end to end"]["detail"])
    assert list(site.root.iterdir()) == []


def test_what_is_wrong_is_named_with_what_to_do(site: Site) -> None:
    site.set(JUNJO_DUCKDB_PATH=site.root, INGESTION_OTLP_HTTP_LISTEN="0.0.0.0:0")
    found = checks(site)
    for name, setting in (("paths", "JUNJO_DUCKDB_PATH"), ("ports", "INGESTION_API_KEY")):
        assert not found[name]["ok"]
        assert setting in f"{found[name]['detail']} {found[name]['action']}"

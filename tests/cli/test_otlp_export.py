"""What `export` writes is OTLP that decodes to equal canonical spans, of files and of any choice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from indexer.cli.otlp_export import encoded
from indexer.clients.shared.answer_json import span_json
from indexer.otlp.requests import parse_json
from indexer.otlp.spans import span_table
from indexer.query.span import HotTable
from indexer.system.counted_nouns import counted
from tests.clients.test_otlp_shape import canonical
from tests.otlp.messages import requests
from tests.support.examples import examples
from tests.support.processes import Site
from tests.support.span_files import spans

SOURCE = HotTable(span_table([]))


def protobuf(content: bytes, form: str) -> bytes:
    """What was exported, as one request: messages one after the other are one."""
    if form == "protobuf":
        return content
    lines = content.splitlines()
    return b"".join(parse_json("traces", line).SerializeToString() for line in lines)


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_drawn_spans_come_back_as_equal_canonical_spans(form: str) -> None:
    """In parts of two spans, as an export of many has parts of thousands."""

    @examples(12, suppress_health_check=[HealthCheck.too_slow])
    @given(request=requests)
    def exported(request: ExportTraceServiceRequest) -> None:
        some = canonical(request.SerializeToString())
        said = [span_json(span._replace(source=SOURCE)) for span in some]
        parts = [said[at : at + 2] for at in range(0, len(said), 2)]
        content = b"".join(encoded(part, form) for part in parts)
        assert canonical(protobuf(content, form)) == some

    exported()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two traces in a catalog without a worker."""
    site = Site(tmp_path_factory.mktemp("export"))
    site.write("a.parquet", spans(3, attributes='{"a":1}'))
    site.write("b.parquet", spans(2, trace=2, service="bank"))
    assert site.call("--once").code == 0
    yield site
    site.close()


@pytest.mark.duckdb
@pytest.mark.parametrize(
    ("chosen", "count"),
    [([f"{1:032x}"], 3), (["--service", "bank"], 2), ([], 5), (["--attr", "a=1", "--roots"], 1)],
    ids=str,
)
def test_what_is_chosen_is_exported(site: Site, chosen: list[str], count: int) -> None:
    output = site.folder / "out"
    for form in ("json", "protobuf"):
        done = site.call(
            "export", *chosen, "--format", form, "--output", str(output), "--overwrite"
        )
        assert done.code == 0, done.err
        assert done.err == f"{counted(count, 'span')} in {output}\n"
        assert span_table([protobuf(output.read_bytes(), form)]).num_rows == count


@pytest.mark.duckdb
def test_what_cannot_be_exported_is_said(site: Site, tmp_path: Path) -> None:
    none = site.call("export", "--name", "nobody", "--output", str(tmp_path / "out"))
    assert none.code == 1
    assert site.call("export", "--format", "protobuf").code == 2
    lost = tmp_path / "no" / "out"
    done = site.call("export", "--output", str(lost))
    assert (done.code, done.err.splitlines()[0].startswith("error: cannot write")) == (2, True)

"""A trace is answered whole, from exactly the files that hold it, or says what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from indexer.errors import InvalidId
from indexer.query.answer import SpansAnswer
from indexer.query.find.trace_query import TraceQuery
from indexer.query.limits import AnswerLimits
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, parquet_bytes, spans, table, write

pytestmark = pytest.mark.duckdb

TRACE = f"{1:032x}"


def found(one: Indexed, trace_id: str = TRACE, **options: object) -> SpansAnswer:
    return one.answers(**options).trace(trace_id)


def codes(answer: SpansAnswer) -> list[str]:
    return [missing.reason.code for missing in answer.completeness.missing]


def test_a_trace_over_two_files_is_one_answer_in_order_of_start(tmp_path: Path) -> None:
    """Metadata from the index to the nanosecond, payload parsed from each file."""
    with indexed(tmp_path) as one:
        write(one.root / "b.parquet", [Span(span=1, start=5_001, attributes='{"a": 1}')])
        write(one.root / "a.parquet", [Span(span=2, parent=1, start=5_003), Span(trace=2)])
        one.settle()
        answer = found(one)
        assert [span.span_id for span in answer.spans] == [f"{1:016x}", f"{2:016x}"]
        assert answer.spans[0].start_time_unix_nano == 5_001
        assert answer.spans[0].payload.attributes == {"a": 1}
        assert answer.completeness.is_complete
        assert answer.cost.files_read == 2


def test_the_directory_and_the_table_give_the_same_answer(tmp_path: Path) -> None:
    """What the worker knows in memory is what trace_files says."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", spans(4))
        write(one.root / "b.parquet", spans(6))
        one.settle()
        by_memory = found(one, directory=lambda: one.pipeline.register.directory).spans
        assert by_memory == found(one).spans
        assert len(by_memory) == 6


def test_a_span_in_two_files_is_answered_once(tmp_path: Path) -> None:
    """The copy that counts is the one in the smallest path, payload included."""
    with indexed(tmp_path) as one:
        write(one.root / "b.parquet", [Span(attributes='{"from": "b"}')])
        write(one.root / "a.parquet", [Span(attributes='{"from": "a"}')])
        one.settle()
        assert [span.payload.attributes for span in found(one).spans] == [{"from": "a"}]


def test_a_client_and_a_server_under_one_id_are_both_answered(tmp_path: Path) -> None:
    """In a trace, and to a question for the span id; two copies of one are one."""
    client = Span(span=2, kind=3, attributes='{"from": "client"}')
    server = Span(span=2, kind=2, attributes='{"from": "server"}')
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(), client])
        write(one.root / "b.parquet", [server, client])
        one.settle()
        answer = one.answers().trace(TraceQuery.of(TRACE, client.span_id))
        said = [(span.span_kind, span.payload.attributes) for span in answer.spans]
        assert said == [(2, {"from": "server"}), (3, {"from": "client"})]
        assert [span.span_id[-1] for span in found(one).spans] == ["1", "2", "2"]


def test_malformed_json_stays_text(tmp_path: Path) -> None:
    """One poisonous value does not take the answer down."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(attributes='{"broken": ')])
        one.settle()
        assert found(one).spans[0].payload.attributes == '{"broken": '


def test_a_file_that_is_gone_makes_the_answer_incomplete(tmp_path: Path) -> None:
    """The metadata is still answered, and the missing file is named."""
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", spans(3))
        one.settle()
        path.unlink()
        answer = found(one)
        assert len(answer.spans) == 3
        assert not answer.completeness.is_complete
        assert codes(answer) == ["FileVanished"]
        assert answer.completeness.missing[0].file_path == str(path)


def test_a_damaged_payload_page_makes_the_answer_incomplete(tmp_path: Path) -> None:
    """A flipped byte in a column that indexing never reads is found by the query that does."""
    rows = [Span(span=number, attributes=f'{{"n": {number}}}') for number in range(1, 20)]
    content = bytearray(parquet_bytes(rows, compression="none", use_dictionary=False))
    content[content.index(b'{"n": 7}') + 6] ^= 1
    with indexed(tmp_path) as one:
        (one.root / "a.parquet").write_bytes(content)
        one.settle()
        answer = found(one)
        assert len(answer.spans) == 19
        assert codes(answer) == ["CorruptPage"]
        assert answer.spans[0].payload.attributes is None


def test_a_rewritten_file_is_not_read_as_the_old_one(tmp_path: Path) -> None:
    """Row numbers of the indexed file mean nothing in another one."""
    with indexed(tmp_path) as one:
        path = write(one.root / "a.parquet", spans(3))
        one.settle()
        write(path, spans(3, service="other"))
        os.utime(path, ns=(1, 1))
        assert codes(found(one)) == ["FileChanged"]


def test_an_unknown_trace_is_an_empty_complete_answer(tmp_path: Path) -> None:
    """Nothing known is not an error."""
    with indexed(tmp_path) as one:
        answer = found(one, f"{99:032x}")
        assert (answer.spans, answer.completeness.is_complete) == ([], True)


@pytest.mark.parametrize("text", ["", "xyz", "0" * 32, "1" * 31, "g" * 32, "1" * 33])
def test_text_that_is_no_trace_id_is_refused(tmp_path: Path, text: str) -> None:
    """A typed refusal, before anything is read."""
    with indexed(tmp_path) as one, pytest.raises(InvalidId, match="invalid trace ID"):
        found(one, text)


def test_a_trace_id_is_found_in_either_case(tmp_path: Path) -> None:
    """Hex digits have no case of their own."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(trace=0xABC)])
        one.settle()
        assert len(found(one, f"{0xABC:032X}").spans) == 1


@pytest.mark.parametrize(("limit", "answered", "complete"), [(6, 6, True), (5, 5, False)])
def test_a_trace_beyond_the_limit_is_answered_in_part(
    tmp_path: Path, limit: int, answered: int, complete: bool
) -> None:
    """The first spans in order of start, and the answer says that there are more."""
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=n + 1, start=9_000 - n) for n in range(6)])
        one.settle()
        answer = found(one, limits=AnswerLimits(trace_spans=limit))
    assert [span.start_time_unix_nano for span in answer.spans] == list(
        range(8_995, 8_995 + answered)
    )
    assert answer.completeness.is_complete == complete
    assert codes(answer) == ["TraceTooLarge"] * (not complete)


def test_a_trace_id_of_64_bits_is_found_by_16_and_by_32_digits(tmp_path: Path) -> None:
    """Zipkin and Jaeger print 16 digits, OpenTelemetry pads them; a file may hold either."""
    with indexed(tmp_path) as one:
        rows = table([Span(trace=0xABC, span=1), Span(trace=0xABC, span=2)])
        short = rows.set_column(1, "trace_id", pa.array([f"{0xABC:016x}", "abc"]))
        write(one.root / "a.parquet", short)
        one.settle()
        for asked in (f"{0xABC:032x}", f"{0xABC:016x}", "abc", "0xABC", "AAAAAAAACrw="):
            answer = found(one, asked)
            assert answer.trace_id == f"{0xABC:032x}"
            assert [span.trace_id for span in answer.spans] == [f"{0xABC:032x}"] * 2


def test_a_name_that_the_index_cut_is_whole_in_the_answer(tmp_path: Path) -> None:
    long = "SELECT " + "x" * 5_000
    with indexed(tmp_path) as one:
        write(one.root / "a.parquet", [Span(span=1), Span(span=2, name=long)])
        one.settle()
        assert [span.name for span in found(one).spans] == ["GET /", long]
        assert one.rows("SELECT max(length(name)) FROM span_metadata") == [(4096,)]

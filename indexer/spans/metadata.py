"""One span as the index has it: a value for people and tests; the stages work on columns."""

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanMetadata:
    """One row of ``span_metadata``: what a list shows of a span. Ids are lowercase hex."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    service_name: str
    name: str
    start_time_unix_nano: int
    duration_ns: int
    status_code: int
    span_kind: int
    file_row_number: int
    position_in_row: int
    """0 but for files with a trace a row."""

    @property
    def end_time_unix_nano(self) -> int:
        """Start plus the signed duration; 0 for a span without an end, as OTLP says it."""
        return self.start_time_unix_nano + self.duration_ns

    @property
    def is_root(self) -> bool:
        """A span without a parent."""
        return self.parent_span_id is None

"""What a span has to be, by what the index knows of every span. Pure.

``column_scan`` says the same of spans that are held as columns.
"""

from dataclasses import astuple

from indexer.deferred_dataclass import dataclass
from indexer.system.duckdb_rows import text_literal

_KNOWN = " AND start_time_unix_nano <> 0 AND start_time_unix_nano + duration_ns <> 0"
"""A time of 0 is unknown, and so is what is counted from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanConditions:
    """All of them hold; what is None does not narrow. Text is compared as it stands."""

    name: str | None = None
    """The span's name is this, or begins with the next, or has the third in it. Of a name the
    index has the first 4,096 bytes."""
    name_prefix: str | None = None
    name_contains: str | None = None
    span_kind: int | None = None
    """OTLP's number."""
    status_code: int | None = None
    """OTLP's number."""
    min_duration_ns: int | None = None
    """It lasts so long or longer, and both its times are known."""
    max_duration_ns: int | None = None
    """It lasts so long or shorter, and both its times are known."""

    @property
    def values(self) -> tuple[str | int | None, ...]:
        """What they are, for whoever compares them."""
        return astuple(self)

    @property
    def sql(self) -> list[str]:
        """The same over ``indexed_spans``."""
        texts = (
            ("name = {}", self.name),
            ("starts_with(name, {})", self.name_prefix),
            ("contains(name, {})", self.name_contains),
        )
        numbers = (
            ("span_kind = {}", self.span_kind),
            ("status_code = {}", self.status_code),
            ("duration_ns >= {}" + _KNOWN, self.min_duration_ns),
            ("duration_ns <= {}" + _KNOWN, self.max_duration_ns),
        )
        found = [form.format(text_literal(text)) for form, text in texts if text is not None]
        return found + [form.format(number) for form, number in numbers if number is not None]

    def is_name(self, name: str) -> bool:
        """Whether a span may be called so."""
        return (
            self.name in (None, name)
            and name.startswith(self.name_prefix or "")
            and (self.name_contains or "") in name
        )


ANY_SPAN = SpanConditions()

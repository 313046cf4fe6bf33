"""A trace is asked for in the spelling that somebody has at hand, and other text is refused."""

import uuid

import pytest

from indexer.errors import InvalidId
from indexer.query.find.trace_query import TraceQuery

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "text", [TRACE, TRACE.upper(), f"0x{TRACE}", str(uuid.UUID(TRACE)), PARENT, f" {PARENT} "]
)
def test_each_spelling_asks_for_the_same_trace(text):
    assert TraceQuery.of(text).trace_id == TRACE


def test_16_digits_are_a_trace_of_64_bits():
    assert TraceQuery.of("8448eb211c80319c").trace_id == "0" * 16 + "8448eb211c80319c"


@pytest.mark.parametrize(
    "text",
    ["", "trace", PARENT[:-1], PARENT.replace(TRACE, "0" * 32), f"{PARENT}-00", PARENT.upper()],
)
def test_what_is_no_trace_id_is_refused_with_the_spellings_that_are(text):
    with pytest.raises(InvalidId, match="invalid trace ID") as refused:
        TraceQuery.of(text)
    assert "traceparent" in refused.value.advice

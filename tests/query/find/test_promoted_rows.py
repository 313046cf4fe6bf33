"""A promoted attribute tells which rows a search reads, where the index knows it of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.query.find.condition_tree import AllOf, NotMet, ServiceIs
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.find.span_query import SpanQuery
from tests.support.catalogs import Indexed, indexed
from tests.support.span_files import Span, write

LONG = "x" * 1_023
TEXTS = (
    *('{"k":"a"}', '{"k":500}', '{"k":"500"}', '{"k":["a"]}', r'{"k":"a\u0000b"}', "{}"),
    f'{{"k":"{LONG}yz"}}',
)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    """Files of three spans, of which the last one says something."""
    with indexed(tmp_path_factory.mktemp("promoted"), keys=("k",)) as found:
        for number, text in enumerate(TEXTS, 1):
            spans = [Span(trace=number, span=at) for at in (1, 2)]
            said = Span(trace=number, span=3, attributes=text)
            write(found.root / f"{number}.parquet", [*spans, said])
        found.settle()
        found.pipeline.scan_checks.finish()
        yield found


@pytest.mark.parametrize(
    ("condition", "found", "files"),
    [
        (AttributeCondition(key="k"), [1, 2, 3, 4, 5, 7], 1),
        (AttributeCondition(key="k", operator="=", value="a"), [1, 4], 1),
        (AttributeCondition(key="k", operator="=", value="a\0b"), [5], 1),
        (AttributeCondition(key="k", operator="=", value="500"), [3], 3),
        (AttributeCondition(key="k", operator=">=", value=499.5), [2], 3),
        (AttributeCondition(key="k", operator="=", value=True), [], 1),
        (AttributeCondition(key="k", operator="contains", value="b"), [5], 6),
        (AttributeCondition(key="k", operator="=", value=f"{LONG}y"), [], 2),
        (AttributeCondition(key="k", operator="=", value=LONG), [], 1),
        (AllOf((AttributeCondition(key="k"), NotMet(ServiceIs("nobody")))), [1, 2, 3, 4, 5, 7], 1),
        (AllOf((AttributeCondition(key="k"), ServiceIs("nobody"))), [], 0),
    ],
)
def test_only_files_with_such_a_value_are_opened(
    one: Indexed, condition: AttributeCondition, found: list[int], files: int
) -> None:
    """By the first search already; of a text, and of what only has to be there, arrays alone."""
    answer = one.answers().spans(SpanQuery(where=condition), payload=False)
    assert sorted(int(span.trace_id, 16) for span in answer.spans) == found
    assert answer.cost.files_read == files


@pytest.mark.parametrize(
    "condition",
    [
        NotMet(AttributeCondition(key="k")),
        AttributeCondition(owner="resource", key="k"),
        AttributeCondition(key="j"),
    ],
)
def test_what_it_does_not_tell_is_read(one: Indexed, condition: AttributeCondition) -> None:
    cost = one.answers().spans(SpanQuery(where=condition), payload=False).cost
    assert cost.files_read == len(TEXTS)


def test_a_file_that_was_not_looked_at_is_read(tmp_path: Path) -> None:
    """DuckDB may have found another value than the reader does: the last one of a key counts."""
    with indexed(tmp_path, keys=("k",)) as one:
        write(one.root / "a.parquet", [Span(attributes='{"k":1,"k":2}')])
        one.settle()
        query = SpanQuery(where=AttributeCondition(key="k", operator="=", value=2))
        for _ in range(2):
            answer = one.answers().spans(query, payload=False)
            assert (len(answer.spans), answer.cost.files_read) == (1, 1)
            one.pipeline.scan_checks.finish()

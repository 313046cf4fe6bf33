"""Operations, attribute keys and their values as the JSON that the API shows."""

from typing import Any

from indexer.query.answer import AttributesAnswer, FacetAnswer, OperationsAnswer
from indexer.query.facet import AttributeKey, AttributeValue, CountedOver, Operation


def facets_json(answer: FacetAnswer) -> dict[str, Any]:
    """What the answer lists, and over what it is counted."""
    if isinstance(answer, OperationsAnswer):
        operations = [_operation(one) for one in answer.operations]
        return {"operations": operations, "next_cursor": answer.next_cursor}
    counted_over = _counted_over(answer.counted_over)
    if isinstance(answer, AttributesAnswer):
        keys = [_key(one) for one in answer.attributes]
        return {"attributes": keys, "found": answer.keys_found, "counted_over": counted_over}
    return {
        "key": answer.key,
        "values": [_value(one) for one in answer.values],
        "found": answer.values_found,
        "counted_over": counted_over,
    }


def _operation(one: Operation) -> dict[str, Any]:
    return {
        "service_name": one.service_name,
        "name": one.name,
        "span_kind": one.span_kind,
        "span_count": one.span_count,
    }


def _key(one: AttributeKey) -> dict[str, Any]:
    return {
        "key": one.key,
        "scope": one.scope,
        "types": list(one.types),
        "span_count": one.span_count,
        "promoted_count": one.promoted_count,
    }


def _value(one: AttributeValue) -> dict[str, Any]:
    return {"value": one.value, "type": one.type, "span_count": one.span_count}


def _counted_over(over: CountedOver) -> dict[str, Any]:
    return {
        "files": over.files,
        "files_matching": over.files_matching,
        "spans": over.spans,
        "sample": over.is_sample,
    }

"""Arguments of calls, as records or as plain dictionaries of either spelling, checked."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids
from indexer.mastra.changes import SpanKey
from indexer.mastra.columns import store_values, stored_text
from indexer.mastra.record_values import Values, checked_values
from indexer.mastra.records import CreateSpan, Record, SpanUpdate, SpanUpdates

C = TypeVar("C")
M = TypeVar("M", bound=BaseModel)

BATCH_SPANS_MAX = 10_000
"""Of one call: what Mastra's exporters buffer at most; all of it is held in memory twice."""
SPAN_IDS_MAX = 10_000
"""Of one call for some spans of a trace: a list of them is compared with each."""

NewSpan = CreateSpan | Mapping[str, Any]
NewValues = SpanUpdates | Mapping[str, Any]
Update = SpanUpdate | Mapping[str, Any]


def created_values(span: NewSpan, operation: str) -> tuple[SpanKey, Values]:
    """Key and stored values of a span to create, those alone that it has.

    Raises InvalidMastraCall.
    """
    values = _checked(CreateSpan, span, operation)
    for name in [name for name, value in values.items() if value is None]:
        del values[name]
    values.setdefault("is_event", False)
    return _stored(values, values, operation)


def updated_values(update: Update, operation: str) -> tuple[SpanKey, Values]:
    """Key and those stored values that an update sets. Raises InvalidMastraCall."""
    values = _checked(SpanUpdate, update, operation)
    return _stored(values, values["updates"], operation)


def checked(model: type[M], value: BaseModel | Mapping[str, Any], operation: str) -> M:
    """The value as a record. Raises InvalidMastraCall, which names the first invalid member."""
    if isinstance(value, model):
        return value
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_unset=True)
    return _called(model.model_validate, value, operation)


def checked_batch(values: Sequence[Any], limit: int, operation: str) -> None:
    """Raises InvalidMastraCall for more than the limit."""
    if len(values) > limit:
        raise invalid(f"{len(values):,} entries, more than {limit:,}", operation)


def invalid(message: str, operation: str) -> InvalidMastraCall:
    """Arguments that one of the store's own rules refuses."""
    return InvalidMastraCall(message, error_id=error_ids.invalid_arguments(operation))


def _checked(model: type[Record], given: Any, operation: str) -> Values:
    return _called(partial(checked_values, model), given, operation)


def _called(check: Callable[[Any], C], given: Any, operation: str) -> C:
    try:
        return check(given)
    except ValidationError as error:
        raise _invalid(error, operation) from None
    except RecursionError:
        raise invalid("nested too deeply", operation) from None


def _stored(record: Values, values: Values, operation: str) -> tuple[SpanKey, Values]:
    """The key of a record, whose IDs are taken out of it, and those of its values to be stored."""
    key = stored_text(record.pop("trace_id")), stored_text(record.pop("span_id"))
    try:
        store_values(values)
    except (ValueError, RecursionError) as error:
        raise invalid(str(error), operation) from None
    return key, values


def _invalid(error: ValidationError, operation: str) -> InvalidMastraCall:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    message = f"invalid {where}: {first['msg']}" if where else str(first["msg"])
    return InvalidMastraCall(message, error_id=_error_id(where, operation))


def _error_id(where: str, operation: str) -> str:
    """Mastra has IDs of its own for a span without IDs."""
    required = {
        "traceId": error_ids.TRACE_ID_REQUIRED,
        "trace_id": error_ids.TRACE_ID_REQUIRED,
        "spanId": error_ids.SPAN_ID_REQUIRED,
        "span_id": error_ids.SPAN_ID_REQUIRED,
    }
    return required.get(where, error_ids.invalid_arguments(operation))

"""Records that come in, checked as dictionaries of what they have.

An object for each, with all fields that a span may have, takes twice as long to make, and is only
taken apart again.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from indexer.mastra.records import Record

Values = dict[str, Any]
"""By Python's names; what was not given is not there, and what was given as null is None."""


def checked_values(model: type[Record], given: Any) -> Values:
    """What a record has, as the model checks it. Raises pydantic's ValidationError."""
    if isinstance(given, model):
        return _given(given)
    if isinstance(given, BaseModel):
        given = given.model_dump(exclude_unset=True)
    values: Values = _validator(model).validate_python(given)
    return values


def _given(record: Record) -> Values:
    """Of a record that was checked already."""
    values = {name: getattr(record, name) for name in record.model_fields_set}
    return {
        name: _given(value) if isinstance(value, Record) else value
        for name, value in values.items()
    }


@cache
def _validator(model: type[Record]) -> SchemaValidator:
    return SchemaValidator(_schema(model))


def _schema(model: type[Record]) -> CoreSchema:
    """The model's own fields, of a dictionary that takes either spelling of their names."""
    hints: Mapping[str, Any] = get_type_hints(model, include_extras=True)
    fields = {
        name: core_schema.typed_dict_field(
            _field_schema(hints[name]),
            required=field.is_required(),
            validation_alias=_spellings(name),
        )
        for name, field in model.model_fields.items()
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="ignore")


@cache
def _field_schema(hint: Any) -> CoreSchema:
    if isinstance(hint, type) and issubclass(hint, Record):
        return _schema(hint)
    return TypeAdapter(hint).core_schema


def _spellings(name: str) -> list[list[str | int]]:
    return [[to_camel(name)], [name]]

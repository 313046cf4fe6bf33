"""The words in which a file of ``schemas/parquet`` says where the parts of a span are.

``[metadata]``, what the index holds; a field is a table of
    column          the file's column
    type            one of ``FieldType``; of a uuid, the second half is the ID
    optional        a file without the column has spans all the same
    unit            of a plain integer that is a time: s, ms, us or ns
    paths           the value is not the column but inside of it, see ``members``
    values          an enumeration's numbers by the writer's names; any other name is 0
    null_is_start   of an end: a NULL is an end at the start

``[payload]``, what stays in the file; a column is
    "column"                            the file's column as it is
    { column, paths }                   what is inside of it
    { key = column, ... }               of events and links: lists side by side
    { key = column or { column, paths } }   of attributes: an object of all that have a value.
                    ``"a.*"`` as a key has the members of an object under ``a.``, and as a column
                    every column whose name begins with ``a.``

And for a whole file of spans
    null_is_unknown a NULL of a payload column does not say that there is nothing
    first_of_key    of a key that a map has twice, the first value counts
    whole_doubles   doubles without a fraction are integers
    zero_is_nothing a number that is 0 is left out of what is gathered
    trace_a_row     a row is a trace, whose spans have the columns that are named here
    refused_beside  a folder beside or above the file that tells that the file is one of a table
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from indexer.contracts import dialect_document, dialect_documents
from indexer.read.dialect_fields import Dialect, Field, FieldType, Paths, PayloadColumn

_TEXTS = {"name", "title", "how_to_get", "refused_beside"}
_WORDS = _TEXTS | {"recognised_by", "metadata", "payload"}
_SWITCHES = {"null_is_unknown", "first_of_key", "whole_doubles", "zero_is_nothing"}
_SWITCHES |= {"trace_a_row"}
_FIELD_WORDS = {"column", "type", "optional", "unit", "paths", "values", "null_is_start"}
_SOURCE_WORDS = {"column", "paths"}
_TEXT_TYPES = {"id", "uuid", "text", "kind", "status"}
"""What is on a path comes as text."""
_ELEMENTS = ("events", "links")


@cache
def dialects() -> tuple[Dialect, ...]:
    """Every known dialect, the one with the most identifying columns first."""
    known = [dialect_of(document) for document in dialect_documents()]
    return tuple(sorted(known, key=lambda dialect: (-len(dialect.recognised_by), dialect.name)))


@cache
def dialect_named(name: str) -> Dialect:
    """One of them: the files of an answer mostly have one dialect, and all take 20 ms to read."""
    return dialect_of(dialect_document(name))


def dialect_of(document: Mapping[str, Any]) -> Dialect:
    """The dialect of a document. Raises ValueError for a word that means nothing."""
    _check_words(document, _WORDS | _SWITCHES, f"dialect {document.get('name')}")
    return Dialect(
        name=document["name"],
        title=document["title"],
        how_to_get=document.get("how_to_get", ""),
        recognised_by=frozenset(document["recognised_by"]),
        fields=tuple(_field(name, entry) for name, entry in document["metadata"].items()),
        payload=tuple(
            _payload(name, entry, document) for name, entry in document["payload"].items()
        ),
        trace_a_row=document.get("trace_a_row", False),
        refused_beside=document.get("refused_beside"),
    )


def _field(name: str, entry: Mapping[str, Any]) -> Field:
    _check_words(entry, _FIELD_WORDS, f"field {name}")
    if entry["type"] not in get_args(FieldType):
        raise ValueError(f"field {name}: {entry['type']!r} is none of {get_args(FieldType)}")
    if "paths" in entry and entry["type"] not in _TEXT_TYPES:
        raise ValueError(f"field {name}: a {entry['type']} cannot stand on a path")
    return Field(
        name=name,
        column=entry["column"],
        type=entry["type"],
        optional=entry.get("optional", False),
        unit=entry.get("unit"),
        paths=_paths(entry),
        values=tuple(entry["values"].items()) if "values" in entry else None,
        null_is_start=entry.get("null_is_start", False),
    )


def _payload(name: str, entry: Any, document: Mapping[str, Any]) -> PayloadColumn:
    is_source = isinstance(entry, str) or entry.keys() <= _SOURCE_WORDS
    sources = {"": entry} if is_source else entry
    for key, source in sources.items():
        if not isinstance(source, str):
            _check_words(source, _SOURCE_WORDS, f"payload {name}, {key!r}")
    paths = tuple((key, _paths(one)) for key, one in sources.items() if not isinstance(one, str))
    return PayloadColumn(
        name,
        tuple(
            (key, one if isinstance(one, str) else one["column"]) for key, one in sources.items()
        ),
        null_is_empty=not document.get("null_is_unknown", False),
        paths=paths,
        is_gathered=not is_source and name not in _ELEMENTS,
        first_of_key=document.get("first_of_key", False),
        whole_doubles=document.get("whole_doubles", False),
        zero_is_nothing=document.get("zero_is_nothing", False),
    )


def _paths(entry: Mapping[str, Any]) -> Paths:
    return tuple(tuple(path) for path in entry.get("paths", ()))


def _check_words(entry: Mapping[str, Any], known: set[str], place: str) -> None:
    if unknown := sorted(entry.keys() - known):
        raise ValueError(f"{place}: unknown words: {', '.join(unknown)}")

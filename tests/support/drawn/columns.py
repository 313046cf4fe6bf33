"""Columns of IDs, texts, enumerations and counts, drawn in every spelling and type that is taken.

Each comes with the values that are right for it, which are known because they were drawn first.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")
INTEGERS = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64())
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
ODD_TEXTS = ((b"a\xff", "a\ufffd"), ("ä".encode()[:1], "\ufffd"), (b"\xed\xa0\xbd", "\ufffd" * 3))
"""Bytes that are not UTF-8, and what is shown of them."""


@dataclass(frozen=True)
class Drawn:
    """A column, and what is right for each row of it."""

    array: pa.Array
    values: list[Any]


def text_array(content: Sequence[bytes | None], kind: pa.DataType) -> pa.Array:
    """Bytes as a column of this type of text, which need not be UTF-8."""
    array = pa.array(content, pa.binary())
    if isinstance(kind, pa.JsonType):
        return pa.ExtensionArray.from_storage(kind, text_array(content, kind.storage_type))
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return array.cast(pa.large_binary()).view(kind)
    if pa.types.is_dictionary(kind):
        return text_array(content, kind.value_type).dictionary_encode()
    if pa.types.is_string_view(kind):
        return array.cast(pa.binary_view()).view(kind)
    return array if kind == pa.binary() else array.view(kind)


TEXT_KINDS = (
    pa.string(),
    pa.large_string(),
    pa.binary(),
    pa.large_binary(),
    pa.string_view(),
    pa.dictionary(pa.int32(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
    pa.json_(pa.string()),
)


@st.composite
def texts(draw: st.DrawFn, count: int, absent: str | None = None) -> Drawn:
    """Texts of a span; ``absent`` is what a NULL is shown as."""
    one = st.none() | TEXT.map(lambda text: (text.encode(), text)) | st.sampled_from(ODD_TEXTS)
    rows = draw(st.lists(one, min_size=count, max_size=count))
    content = [None if row is None else row[0] for row in rows]
    array = text_array(content, draw(st.sampled_from(TEXT_KINDS)))
    return Drawn(array, [absent if row is None else row[1] for row in rows])


@st.composite
def enumeration(draw: st.DrawFn, count: int, names: Sequence[str], prefix: str, own: str) -> Drawn:
    """Kinds or states by name or number."""
    values = draw(st.lists(st.integers(0, len(names) - 1), min_size=count, max_size=count))
    if draw(st.booleans()):
        return Drawn(pa.array(values, draw(st.sampled_from(INTEGERS))), values)
    spell: Callable[[int], str] = draw(
        st.sampled_from(
            [
                lambda number: f"{prefix}{names[number]}",
                lambda number: names[number].title(),
                lambda number: names[number].lower(),
                lambda number: f"{own}.{names[number]}",
                str,
            ]
        )
    )
    content = [spell(value).encode() for value in values]
    return Drawn(text_array(content, draw(st.sampled_from(TEXT_KINDS))), values)


@st.composite
def counts(draw: st.DrawFn, count: int) -> Drawn:
    """Numbers that cannot be negative."""
    one = st.none() | st.integers(0, 2**31 - 1)
    values = draw(st.lists(one, min_size=count, max_size=count))
    kind = draw(st.sampled_from([pa.uint32(), pa.int64(), pa.float64(), pa.string()]))
    if pa.types.is_string(kind):
        return Drawn(pa.array([None if v is None else str(v) for v in values], kind), values)
    return Drawn(pa.array(values, kind), values)


@st.composite
def ids(draw: st.DrawFn, contents: Sequence[bytes | None]) -> pa.Array:
    """A column of these IDs; None is an absent one."""
    size = len(next((one for one in contents if one is not None), b""))
    form = draw(st.sampled_from(["text", "binary", "fixed", "spelled"]))
    if form == "fixed" and size:
        return pa.array(contents, pa.binary(size))
    if form == "binary":
        return pa.array(contents, pa.binary())
    spell = draw(st.sampled_from(SPELLINGS)) if form == "spelled" else bytes.hex
    absent = draw(st.sampled_from([None, "", "0" * 2 * (size or 8)]))
    found = [absent if one is None else spell(one) for one in contents]
    return pa.array(found, draw(st.sampled_from([pa.string(), pa.large_string()])))


def _dashed_if_uuid(content: bytes) -> str:
    return str(uuid.UUID(bytes=content)) if len(content) == 16 else content.hex()


def _short_if_64_bits(content: bytes) -> str:
    return content[8:].hex() if len(content) == 16 and not any(content[:8]) else content.hex()


SPELLINGS: tuple[Callable[[bytes], str], ...] = (
    lambda one: one.hex().upper(),
    lambda one: f"0x{one.hex()}",
    lambda one: base64.b64encode(one).decode(),
    _dashed_if_uuid,
    _short_if_64_bits,
)

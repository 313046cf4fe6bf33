"""VARIANT columns as other writers lay them out, from JSON values, by another hand than the reader's.

Parquet format, "Variant Binary Encoding" and "Variant Shredding".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

GROUP = pa.struct([("metadata", pa.binary()), ("value", pa.binary())])


def encoded(value: Any) -> tuple[bytes, bytes]:
    """(metadata, value) of one VARIANT."""
    names = sorted(_names(value))
    texts = [name.encode() for name in names]
    offsets = [sum(map(len, texts[:at])) for at in range(len(texts) + 1)]
    head = bytes([0b11_0_0_0001])  # four bytes an offset, names not said to be sorted, version 1
    numbers = (len(names), *offsets)
    metadata = head + b"".join(one.to_bytes(4, "little") for one in numbers) + b"".join(texts)
    return metadata, _value(value, {name: at for at, name in enumerate(names)})


def variant_column(values: Sequence[Any]) -> pa.Array:
    """A column of VARIANTs, none of them shredded; None is a null of the column."""
    rows = [
        None if one is None else dict(zip(GROUP.names, encoded(one), strict=True)) for one in values
    ]
    return pa.array(rows, GROUP)


def shredded_column(values: Sequence[dict[str, Any]], field: str) -> pa.Array:
    """A column of objects of which one field, where it is text, has a column of its own."""
    part = pa.struct([("value", pa.binary()), ("typed_value", pa.string())])
    kind = pa.struct([*GROUP, ("typed_value", pa.struct([pa.field(field, part, nullable=False)]))])
    return pa.array([_shredded(one, field) for one in values], kind)


def _shredded(value: dict[str, Any], field: str) -> dict[str, Any]:
    rest = {name: one for name, one in value.items() if name != field}
    metadata, _ = encoded(value)
    numbers = {name: at for at, name in enumerate(sorted(_names(value)))}
    own: dict[str, Any] = {"value": None, "typed_value": None}
    if isinstance(value.get(field), str):
        own["typed_value"] = value[field]
    elif field in value:
        own["value"] = _value(value[field], numbers)
    return {
        "metadata": metadata,
        "value": _value(rest, numbers) if rest else None,
        "typed_value": {field: own},
    }


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()


def _value(value: Any, names: dict[str, int]) -> bytes:
    if isinstance(value, dict):
        ordered = sorted(value)
        parts = [_value(value[name], names) for name in ordered]
        ids = b"".join(names[name].to_bytes(4, "little") for name in ordered)
        header = (0b1_11_11 << 2) | 2  # large, four bytes an id and an offset
        return bytes([header]) + len(parts).to_bytes(4, "little") + ids + _placed(parts)
    if isinstance(value, list):
        parts = [_value(one, names) for one in value]
        header = (0b1_11 << 2) | 3
        return bytes([header]) + len(parts).to_bytes(4, "little") + _placed(parts)
    return _scalar(value)


def _placed(parts: list[bytes]) -> bytes:
    offsets = [sum(map(len, parts[:at])) for at in range(len(parts) + 1)]
    return b"".join(one.to_bytes(4, "little") for one in offsets) + b"".join(parts)


def _scalar(value: Any) -> bytes:
    if value is None or isinstance(value, bool):
        return bytes([{None: 0, True: 1, False: 2}[value] << 2])
    if isinstance(value, int):
        return bytes([6 << 2]) + struct.pack("<q", value)
    if isinstance(value, float):
        return bytes([7 << 2]) + struct.pack("<d", value)
    content = value if isinstance(value, bytes) else value.encode()
    if isinstance(value, str) and len(content) < 64:
        return bytes([len(content) << 2 | 1]) + content
    kind = 15 if isinstance(value, bytes) else 16
    return bytes([kind << 2]) + len(content).to_bytes(4, "little") + content

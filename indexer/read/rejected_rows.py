"""What a rejected row has in the place of its IDs, for the person who looks for the reason."""

from reprlib import Repr
from typing import Any

import pyarrow as pa

from indexer.read.dialect_fields import Dialect

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def rejected_example(table: pa.Table, dialect: Dialect, row: int) -> str:
    """The IDs of one row of the metadata columns of a file, as they stand there."""
    columns = {field.name: field.label for field in dialect.fields}
    ids = (f"{name} {_shown(table[columns[name]][row])}" for name in ("trace_id", "span_id"))
    return f"row {row}: {', '.join(ids)}"


def _shown(stored: pa.Scalar) -> str:
    if not stored.is_valid:
        return "null"
    value: Any = stored.value if isinstance(stored, pa.DictionaryScalar) else stored
    value = value.value if isinstance(value, pa.ExtensionScalar) else value
    content = bytes(value.as_buffer())
    try:
        return _SHORT.repr(content.decode())
    except UnicodeDecodeError:
        return _SHORT.repr(content)

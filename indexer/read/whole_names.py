"""Names of spans as their file has them, where the index holds only the beginning of one."""

from collections.abc import Sequence
from dataclasses import replace

from indexer.model import ParquetFileInfo
from indexer.read.dialect_fields import Dialect, PayloadColumn
from indexer.read.limits import TEXT_BYTES_MAX
from indexer.read.payload import read_payload
from indexer.read.tally import Tally
from indexer.system.storage import LocalStorage

_LETTER_BYTES_MAX = 4
CUT_BYTES_MIN = TEXT_BYTES_MAX - _LETTER_BYTES_MAX + 1
"""A shorter name of the index is whole."""
WHOLE_LETTERS_MAX = TEXT_BYTES_MAX // _LETTER_BYTES_MAX - 1
"""So is one of no more letters."""


def may_be_cut(name: str) -> bool:
    """Whether a name of the index may go on in the file: no letter more would have fitted."""
    if len(name) <= WHOLE_LETTERS_MAX:
        return False
    return len(name.encode()) >= CUT_BYTES_MIN


def whole_names(
    storage: LocalStorage,
    info: ParquetFileInfo,
    dialect: Dialect,
    rows: Sequence[int],
    tally: Tally,
) -> list[str]:
    """The names of these rows, in their order. Raises what ``read_payload`` does."""
    column = next(field.column for field in dialect.fields if field.name == "name")
    name = PayloadColumn("name", (("", column),), null_is_empty=False)
    found = read_payload(storage, info, replace(dialect, payload=(name,)), rows, tally)
    return [as_name(row["name"]) for row in found]


def as_name(stored: str | bytes | None) -> str:
    """A stored text, of which some writers make bytes; odd ones are replaced."""
    return stored.decode("utf-8", "replace") if isinstance(stored, bytes) else stored or ""

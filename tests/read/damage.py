"""Read damaged files in a process of their own, and say on standard output what became of each.

Damaged bytes reach C++ here. Should they end the process or hang it, the test that started it
still knows which of them did. One process damages one file in every place that a question depends
on. Such a series again, ``SPAN_TEST_SEED`` being its seed:
``python -m tests.read.damage QUESTION FILE SEED COUNT FOLDER``.
"""

import faulthandler
import json
import random
import re
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from indexer.errors import FileError, TransientError
from indexer.read.dialect_document import dialects
from indexer.read.metadata import batch, read_file
from indexer.read.payload import read_every_page, read_payload
from tests.read.parquet_pages import pages
from tests.read.read_back import put, with_columns
from tests.support.span_files import Span, parquet_bytes, spans, table

READING_S_MAX = 20.0
"""A sound file of this size takes a few milliseconds."""
MEMORY_BYTES_MAX = 8 << 30
"""Address space of the process: a damaged length must not take the machine with it."""

ROWS = [
    Span(
        trace=number // 5 + 1,
        span=number + 1,
        parent=None if number % 5 == 0 else number,
        service=f"service-{number % 3}",
        name=f"operation {number}",
        status=number % 3,
        attributes=f'{{"row": {number}, "text": "{"x" * number}"}}',
    )
    for number in range(40)
]

NEIGHBOUR = spans(3, trace=99, service="neighbour", name="beside")

CODED = (*("trace_id", "span_id", "service_name", "name"), "attributes")

FILES: dict[str, dict[str, object]] = {
    "usual": {"row_group_size": 15},
    "plain": {"use_dictionary": False, "compression": "none", "data_page_size": 100},
    "newer pages": {"data_page_version": "2.0", "compression": "snappy", "row_group_size": 15},
    "unchecked": {"write_page_checksum": False, "compression": "none", "row_group_size": 15},
    "unchecked codes": {"write_page_checksum": False, "compression": "none"},
}
"""How the writer was set; the unchecked ones have no page checksums."""

INDEXED = ("trace_id", "span_id", "parent_span_id", "service_name", "name", "span_kind")
INDEXED += ("start_time", "end_time", "status_code")

DIALECT = next(dialect for dialect in dialects() if dialect.name == "junjo-14")

LEVELS_OF_NULLABLE = re.compile(rb"\x19\x06\x19\x26(.)(.)\x00", re.DOTALL)
"""SizeStatistics of a flat column that may be null: no repetition levels, two definition levels."""
LEVELS_OF_NOTHING = b"\x19\x26\\1\\2\x19\x06\x00"
"""The same with the two lists exchanged, which no column can have."""

Range = tuple[int, int]
Mutation = Callable[[random.Random, bytearray, int, int], str]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one damaged file."""

    place: str
    number: int
    damage: str
    refusals: dict[str, str]
    """The error of each question that was refused in the way this program refuses."""
    surprises: dict[str, str]
    """The error of each question that ended in any other way."""
    digest: str | None = None
    rows: tuple[int, int] | None = None
    """What the footer claims, and what there was."""
    neighbour: str | None = None
    """The digest of a sound file that was read in the same batch."""
    payload: str | None = None
    """A digest of the payload of some rows."""


def sound(file: str) -> bytes:
    content = table(ROWS)
    if file.endswith("codes"):
        coded = {name: content[name].dictionary_encode() for name in CODED}
        content = with_columns(content, **coded)
    return parquet_bytes(content, **FILES[file])


def ranges(content: bytes, place: str) -> Sequence[Range]:
    """The bytes that may be damaged: all, the footer, page headers, or the pages of columns."""
    if place == "anywhere":
        return [(0, len(content))]
    if place == "footer":
        length = int.from_bytes(content[-8:-4], "little")
        return [(len(content) - 8 - length, len(content))]
    if place == "headers":
        return [(page.header_start, page.body_start) for page in pages(content)]
    indexed = place == "indexed pages"
    found = [page for page in pages(content) if (page.column in INDEXED) == indexed]
    return [(page.body_start, page.body_end) for page in found if page.size]


def flip_a_bit(chance: random.Random, content: bytearray, start: int, end: int) -> str:
    at, bit = chance.randrange(start, end), chance.randrange(8)
    content[at] ^= 1 << bit
    return f"bit {bit} of byte {at}"


def overwrite(chance: random.Random, content: bytearray, start: int, end: int) -> str:
    first, last = _part(chance, start, end, 64)
    content[first:last] = chance.randbytes(last - first)
    return f"bytes {first} to {last} made random"


def set_extreme(chance: random.Random, content: bytearray, start: int, end: int) -> str:
    first, last = _part(chance, start, end, 9)
    value = chance.choice([0x00, 0x7F, 0x80, 0xFF])
    content[first:last] = bytes([value]) * (last - first)
    return f"bytes {first} to {last} made {value:#04x}"


def zero(chance: random.Random, content: bytearray, start: int, end: int) -> str:
    first, last = _part(chance, start, end, 4096)
    content[first:last] = bytes(last - first)
    return f"bytes {first} to {last} made zero"


def swap(chance: random.Random, content: bytearray, start: int, end: int) -> str:
    length = max(1, min(chance.randrange(1, 512), (end - start) // 2))
    first = chance.randrange(start, max(start + 1, end - 2 * length + 1))
    second = chance.randrange(min(first + length, end - 1), max(first + length, end - length) + 1)
    one, other = content[first : first + length], content[second : second + length]
    content[first : first + length], content[second : second + length] = other, one
    return f"{length} bytes at {first} and at {second} swapped"


def truncate(chance: random.Random, content: bytearray, start: int, end: int) -> str:
    at = chance.randrange(start, end)
    del content[at:]
    return f"cut at {at}"


def cut_out(chance: random.Random, content: bytearray, start: int, end: int) -> str:
    first, last = _part(chance, start, end, 512)
    del content[first:last]
    return f"bytes {first} to {last} left out"


def append(chance: random.Random, content: bytearray, _start: int, _end: int) -> str:
    garbage = chance.randbytes(chance.randrange(1, 64)) + chance.choice([b"", bytes(content[-8:])])
    content += garbage
    return f"{len(garbage)} bytes appended"


IN_PLACE: tuple[Mutation, ...] = (flip_a_bit, overwrite, set_extreme, zero, swap)
EVERY: tuple[Mutation, ...] = (*IN_PLACE, truncate, cut_out, append)


def _part(chance: random.Random, start: int, end: int, longest: int) -> Range:
    first = chance.randrange(start, end)
    return first, min(end, first + chance.randrange(1, longest))


def damaged(content: bytes, place: str, seed: int, number: int) -> tuple[bytes, str]:
    """The ``number``-th damaged version of a file, and what was done to it."""
    if place == "histograms":
        return LEVELS_OF_NULLABLE.sub(LEVELS_OF_NOTHING, content), "levels exchanged"
    chance = random.Random(f"{seed} {place} {number}")
    while True:
        mutable = bytearray(content)
        start, end = chance.choice(ranges(content, place))
        mutate = chance.choice(EVERY if place == "anywhere" else IN_PLACE)
        description = f"{mutate.__name__}: {mutate(chance, mutable, start, end)}"
        if bytes(mutable) != content:
            return bytes(mutable), description


def index(folder: Path, content: bytes) -> dict[str, Any]:
    """What the worker makes of it, in a batch with a sound file."""
    beside = read_file(*put(folder, parquet_bytes(NEIGHBOUR), "neighbour.parquet"))
    other, file = batch([beside, read_file(*put(folder, content))]).files
    rows = len(file.spans) + file.rejected_spans + file.repeated_spans
    return {
        "rows": (file.footer.row_count, rows),
        "digest": file.content_digest,
        "neighbour": other.content_digest,
    }


def audit(folder: Path, content: bytes) -> dict[str, Any]:
    read_every_page(*put(folder, content))
    return {}


def payload(folder: Path, content: bytes) -> dict[str, Any]:
    """What somebody sees who asks for the spans of one trace."""
    rows = read_payload(*put(folder, content), DIALECT, [3, len(ROWS) - 1, 0])
    return {"payload": blake2b(repr(rows).encode(), digest_size=8).hexdigest()}


QUESTIONS: dict[str, tuple[Callable[[Path, bytes], dict[str, Any]], ...]] = {
    "index": (index, audit),
    "payload": (payload,),
}
PLACES = {
    "index": ("histograms", "anywhere", "footer", "indexed pages", "other pages"),
    "payload": ("histograms", "anywhere", "headers", "other pages"),
}
"""Which bytes of a file are damaged, in this order."""


def outcome(question: str, folder: Path, content: bytes, **damaged: Any) -> Outcome:
    found: dict[str, Any] = {"refusals": {}, "surprises": {}}
    for ask in QUESTIONS[question]:
        try:
            found |= ask(folder, content)
        except (FileError, TransientError) as error:
            found["refusals"][ask.__name__] = f"{type(error).__name__}: {error}"
        except Exception as error:
            found["surprises"][ask.__name__] = f"{type(error).__name__}: {error}"
    return Outcome(**damaged, **found)


def main(question: str, file: str, seed: int, count: int, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    content = sound(file)
    for place in PLACES[question]:
        for number in range(1 if place == "histograms" else count):
            bad, damage = damaged(content, place, seed, number)
            case = {"place": place, "number": number, "damage": damage}
            print(json.dumps(case), flush=True)
            faulthandler.dump_traceback_later(READING_S_MAX, exit=True)
            line = asdict(outcome(question, folder, bad, **case))
            faulthandler.cancel_dump_traceback_later()
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    question, file, seed, count, folder = sys.argv[1:]
    main(question, file, int(seed), int(count), Path(folder))

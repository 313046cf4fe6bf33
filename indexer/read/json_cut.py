"""Cut long JSON text to its first elements without parsing it, and count what is left out. Pure.

A million events are 100 MB of text and a gigabyte of Python's values. Here the text is looked at in
blocks, by whole-array operations: about 5 ns a byte, and a few MB of memory however long it is.
"""

import json
import re
from bisect import bisect_right
from dataclasses import field

import numpy as np
import numpy.typing as npt

from indexer.deferred_dataclass import dataclass

BLOCK_BYTES_MIN, BLOCK_BYTES_MAX = 4 << 10, 1 << 20
"""Looked at together: small at first, since most texts are cut near their beginning."""
LEVELS_MAX = 4
"""Containers inside each other that are cut one by one, each by looking at its text again; what is
too long at the last of them is left out whole."""

_QUOTE, _COMMA, _OPEN, _CLOSE = 1, 2, 3, 4
_KINDS = np.zeros(256, np.uint8)
for _kind, _characters in ((_QUOTE, b'"'), (_COMMA, b","), (_OPEN, b"[{"), (_CLOSE, b"]}")):
    _KINDS[list(_characters)] = _kind
_STEP = np.array([0, 0, 0, 1, -1], np.int8)
_SPACE = np.zeros(256, np.bool_)
_SPACE[list(b" \t\r\n")] = True
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_MEMBER = re.compile(rb'\s*(?:"[^"\\]*(?:\\.[^"\\]*)*"\s*:\s*)?', re.DOTALL)
_CLOSERS = {ord("["): b"]", ord("{"): b"}"}

_OTHERS = bytes(code for code in range(256) if not _KINDS[code])
_BACKSLASH = ord("\\")

Numbers = npt.NDArray[np.int64]
Depths = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CutText:
    """The text of a container with its first elements, and how many are not in it."""

    text: bytes
    left_out: int
    """Elements of the container itself."""
    inside_left_out: int
    """Elements of all containers in those of its elements that are kept."""


@dataclass(slots=True)
class _Outline:
    """Where the first elements of a container end, and how many elements are inside each."""

    start: int
    ends: list[int] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)
    """Up to each end: elements of the containers in the elements before it."""
    count: int = 0
    last: int = 0
    """Where the container ends."""

    @property
    def inside_first(self) -> int:
        """Elements inside all of the first elements."""
        return self.inside[-1] if self.inside else 0


def cut_json(
    text: bytes | memoryview, elements_max: int, inside_max: int, each_min: int = 0
) -> CutText | None:
    """A JSON array or object with at most so many elements, and so many inside of these.

    Each element has ``each_min`` of its own, even after ``inside_max`` of all are used up.

    None where nothing is to be cut: it holds no more, or it is not an array, an object or JSON.
    What is left out is not parsed, only its strings and brackets are understood.
    """
    found = _NOT_SPACE.search(text)
    if found is None or text[found.start()] not in _CLOSERS:
        return None
    outline = _outline(text, found.start(), elements_max)
    if outline is None or _NOT_SPACE.search(text, outline.last + 1):
        return None
    if outline.count <= elements_max and outline.inside_first <= inside_max:
        return None
    short, used = _cut(text, outline, inside_max, LEVELS_MAX, each_min)
    if not _is_json(short):
        return None
    left_out = outline.count - len(outline.ends)
    return CutText(short, left_out, outline.inside_first - used)


def _cut(
    text: bytes | memoryview, outline: _Outline, inside_max: int, levels: int, each_min: int = 0
) -> tuple[bytes, int]:
    """The container with the elements of the outline, and how many elements inside are kept."""
    start, ends, inside = outline.start, outline.ends, outline.inside
    opener, closer = bytes(text[start : start + 1]), _CLOSERS[text[start]]
    whole = bisect_right(inside, inside_max)
    if not ends:
        return opener + closer, 0
    used = inside[whole - 1] if whole else 0
    parts = [bytes(text[start + 1 : ends[whole - 1]])] if whole else []
    for at in range(whole, len(ends)):
        first = (ends[at - 1] if at else start) + 1
        own = inside[at] - (inside[at - 1] if at else 0)
        member = bytes(text[first : ends[at]])
        room = max(0, inside_max - used)
        if own > room:
            member, own = _cut_member(member, max(room, each_min), levels - 1)
        parts.append(member)
        used += own
    return opener + b",".join(parts) + closer, used


def _cut_member(member: bytes, room: int, levels: int) -> tuple[bytes, int]:
    """An element or a member with a container in it, of which only ``room`` elements are kept."""
    found = _MEMBER.match(member)
    at = found.end() if found else 0
    if at >= len(member) or member[at] not in _CLOSERS:
        return member, 0
    outline = _outline(member, at, room) if room and levels else None
    if outline is None:
        return member[: at + 1] + _CLOSERS[member[at]], 0
    kept = len(outline.ends)
    short, used = _cut(member, outline, room - kept, levels)
    return member[:at] + short, kept + used


def _outline(text: bytes | memoryview, start: int, elements_max: int) -> _Outline | None:
    """Of the container that begins at ``start``; None when it does not end."""
    outline, scan = _Outline(start), _Scan(text, start)
    inside = commas = 0
    while (block := scan.next_block()) is not None:
        full = 0 < len(outline.ends) == elements_max
        if full and (count := scan.count_commas(block)) is not None:
            commas += count
            continue
        marks = scan.marks(block)
        counted = inside + marks.inside()
        ended = np.flatnonzero(marks.depths == 0)
        stop = int(ended[0]) if len(ended) else len(marks.places)
        own = np.flatnonzero((marks.kinds[:stop] == _COMMA) & (marks.depths[:stop] == 1))
        taken = own[: elements_max - len(outline.ends)]
        outline.ends += marks.places[taken].tolist()
        outline.inside += counted[taken].tolist()
        commas += len(own)
        if len(ended):
            outline.last = int(marks.places[stop])
            outline.count = 0 if marks.empty[stop] else commas + 1
            if len(outline.ends) < min(elements_max, outline.count):
                outline.ends.append(outline.last)
                outline.inside.append(int(counted[stop]))
            return outline
        inside = int(counted[-1]) if len(counted) else inside
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """Brackets and commas outside strings, of one block."""

    places: Numbers
    kinds: Bytes
    depths: Depths
    """After each."""
    empty: Flags
    """Whether it closes a container without elements."""

    def inside(self) -> Numbers:
        """How many elements the block has had up to each, but for those of the outermost."""
        deep = ((self.kinds == _COMMA) | (self.kinds == _OPEN)) & (self.depths > 1)
        elements = deep.astype(np.int8) - (self.empty & (self.depths > 0))
        return np.cumsum(elements, dtype=np.int64)


class _Scan:
    """Goes through a text block by block, and knows at each how deep it is and if in a string."""

    def __init__(self, text: bytes | memoryview, start: int) -> None:
        self._text = text
        self._start = self._end = start
        self._size = BLOCK_BYTES_MIN
        self._depth = self._quotes = 0
        self._before = (start, _COMMA)

    def next_block(self) -> bytes | None:
        """The next block, its escapes replaced byte for byte; None at the end."""
        text, self._start = self._text, self._end
        if self._start >= len(text):
            return None
        end = min(self._start + self._size, len(text))
        while end < len(text) and text[end - 1] == _BACKSLASH:
            end += 1  # a block never ends inside an escape
        self._end, self._size = end, min(self._size * 4, BLOCK_BYTES_MAX)
        block = bytes(text[self._start : end])
        if b"\\" in block:
            block = block.replace(b"\\\\", b"__").replace(b'\\"', b"__")
        return block

    def count_commas(self, block: bytes) -> int | None:
        """Those of the outermost container; None, and nothing is done, if it ends in the block."""
        kinds = _KINDS[np.frombuffer(block.translate(None, _OTHERS), np.uint8)]
        kinds, _, quotes = self._outside(kinds)
        depths = self._depth + np.cumsum(_STEP[kinds], dtype=np.int32)
        if not depths.all():
            return None
        self._quotes = quotes
        self._depth = int(depths[-1]) if len(depths) else self._depth
        return int(np.count_nonzero((kinds == _COMMA) & (depths == 1)))

    def marks(self, block: bytes) -> _Marks:
        """What is in the block."""
        content = np.frombuffer(block, np.uint8)
        found = _KINDS[content]
        places = np.flatnonzero(found)
        every = found[places]
        empty = self._closes_empty(content, places, every)
        if len(places):
            self._before = (self._start + int(places[-1]), int(every[-1]))
        kinds, outside, self._quotes = self._outside(every)
        depths = self._depth + np.cumsum(_STEP[kinds], dtype=np.int32)
        self._depth = int(depths[-1]) if len(depths) else self._depth
        return _Marks(places[outside] + self._start, kinds, depths, empty[outside])

    def _outside(self, kinds: Bytes) -> tuple[Bytes, Flags, int]:
        """Those outside strings, which they are, and whether the block ends in a string."""
        is_quote = kinds == _QUOTE
        quotes = np.cumsum(is_quote, dtype=np.uint8)  # only their parity counts
        quotes += np.uint8(self._quotes)
        outside = ((quotes & 1) == 0) & ~is_quote
        return kinds[outside], outside, int(quotes[-1]) & 1 if len(quotes) else self._quotes

    def _closes_empty(self, content: Bytes, places: Numbers, kinds: Bytes) -> Flags:
        """Which marks close a container that has only space in it."""
        empty = np.zeros(len(places), np.bool_)
        if not len(places):
            return empty
        pairs = np.flatnonzero((kinds[1:] == _CLOSE) & (kinds[:-1] == _OPEN))
        empty[pairs + 1] = places[pairs + 1] - places[pairs] == 1
        spaced = pairs[_SPACE[content[places[pairs] + 1]]]
        if len(spaced):
            filled = np.cumsum(~_SPACE[content], dtype=np.int32)
            empty[spaced + 1] = filled[places[spaced + 1] - 1] == filled[places[spaced]]
        place, kind = self._before
        if kinds[0] == _CLOSE and kind == _OPEN:
            empty[0] = not _NOT_SPACE.search(self._text, place + 1, self._start + int(places[0]))
        return empty


def _is_json(text: bytes) -> bool:
    """Whether the text that was kept is read; what is not read is not cut either."""
    try:
        json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True

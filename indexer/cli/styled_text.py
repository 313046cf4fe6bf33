"""Lines for people: styled where the output is a terminal, plain text everywhere else.

A table needs five styles. The library that draws bars and logs has them as well, and takes a
quarter of a command's start to load.
"""

import os
import sys
from collections.abc import Sequence
from typing import TextIO

from indexer.deferred_dataclass import dataclass
from indexer.system.terminal_size import terminal_columns

_CODES = {"bold": "1", "dim": "2", "red": "31", "yellow": "33"}
"""Select Graphic Rendition (ECMA-48, section 8.3.117)."""
_PLAIN_WIDTH = sys.maxsize
"""Columns when the output is not a terminal: nothing is cut."""
_NO_STYLES = {"dumb", "unknown"}


@dataclass(frozen=True, slots=True)
class Styled:
    """A part of a line, without anything in it that commands a terminal."""

    text: str
    style: str = ""


Line = str | Styled | Sequence[Styled]
"""Its parts follow each other without a gap."""


class Output:
    """A stream that lines are written to, standard output by default."""

    def __init__(self, sink: TextIO | None = None) -> None:
        self._sink = sink or sys.stdout
        is_terminal = self._sink.isatty()
        self.width = terminal_columns() if is_terminal else _PLAIN_WIDTH
        no_styles = os.environ.get("NO_COLOR") or os.environ.get("TERM") in _NO_STYLES
        self._has_styles = is_terminal and not no_styles

    def write(self, *lines: Line) -> None:
        """Each as one line, whatever its length."""
        self._sink.writelines(f"{self._text(line)}\n" for line in lines)

    def _text(self, line: Line) -> str:
        if isinstance(line, str):
            return line
        parts = [line] if isinstance(line, Styled) else line
        return "".join(map(self._part, parts))

    def _part(self, part: Styled) -> str:
        if not (part.style and self._has_styles):
            return part.text
        return f"\x1b[{_CODES[part.style]}m{part.text}\x1b[0m"

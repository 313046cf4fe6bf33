"""How this program was started, so that usage, examples and hints can be typed as they stand."""

import sys
from pathlib import Path

MODULE = "python -m indexer"
SCRIPT = "span-indexer"
"""The entry point that an installation puts beside its Python."""
_names = [MODULE]


def start_part_of(name: str) -> None:
    """Have this process named as the program that it is a part of."""
    _names[:] = [name]


def program_name() -> str:
    """What the user typed before the command."""
    return SCRIPT if Path(sys.argv[0]).stem == SCRIPT else _names[0]


def as_typed(text: str) -> str:
    """A text of this program, with that name wherever it names itself."""
    return text.replace(MODULE, program_name())

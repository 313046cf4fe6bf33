"""How this program was started, so that usage, examples and hints can be typed as they stand."""

import sys
from pathlib import Path

MODULE = "python -m indexer"
SCRIPT = "span-indexer"
"""The entry point that an installation puts beside its Python."""


def program_name() -> str:
    """What the user typed before the command."""
    return SCRIPT if Path(sys.argv[0]).stem == SCRIPT else MODULE


def as_typed(text: str) -> str:
    """A text of this program, with that name wherever it names itself."""
    return text.replace(MODULE, program_name())

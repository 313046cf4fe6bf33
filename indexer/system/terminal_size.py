"""How wide the terminal is that standard output goes to.

The standard library's function for it stands in a module that loads every way of compression.
"""

import os
import sys

COLUMNS_DEFAULT = 80
"""Where there is no terminal."""


def terminal_columns() -> int:
    """What COLUMNS says, or else the terminal itself."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    if sys.__stdout__ is None:
        return COLUMNS_DEFAULT
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or COLUMNS_DEFAULT
    except (ValueError, OSError):  # it is closed, or a file
        return COLUMNS_DEFAULT

"""How many columns of a terminal a text takes, and a text cut to some.

Of ASCII, which nearly every answer is, each character takes one: the tables of all others are
loaded when one comes.
"""


def cell_len(text: str) -> int:
    """Columns of a text without control characters."""
    if text.isascii():
        return len(text)
    from rich import cells  # noqa: PLC0415 - see above

    return cells.cell_len(text)


def set_cell_size(text: str, columns: int) -> str:
    """The text, cut or filled with spaces to exactly so many columns."""
    if text.isascii():
        return text[:columns].ljust(columns)
    from rich import cells  # noqa: PLC0415 - see above

    return cells.set_cell_size(text, columns)

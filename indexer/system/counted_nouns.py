"""A number before the noun that it counts: one is singular, everything else plural."""


def counted(number: int, one: str, many: str = "") -> str:
    """``1 span``, ``2,345 spans``; with a verb: ``counted(n, "file is", "files are")``.

    Without ``many``, the plural is the singular with an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"

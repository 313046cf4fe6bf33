"""Columns that stand in the names of folders, as Hive and Spark partition them. Pure.

``service_name=checkout/day=3/a.parquet`` says a value of every row below it. Writers that do so
leave the column out of the file; a column that the file has wins.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import unquote

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""How Hive spells NULL."""


def folder_values(relative_path: str) -> Mapping[str, str | None]:
    """The value of each key in the folders of a path, percent-decoded; the innermost wins."""
    return _values_in(relative_path.rpartition("/")[0])


@lru_cache(maxsize=64)
def _values_in(path: str) -> Mapping[str, str | None]:
    """Of the files of one folder there are many, one after the other."""
    found: dict[str, str | None] = {}
    for folder in path.split("/"):
        key, equals, value = folder.partition("=")
        if equals and key:
            found[unquote(key)] = None if value == NO_VALUE else unquote(value)
    return found


def folder_key(keys: Collection[str], *names: str) -> str | None:
    """The first of the names that a folder has."""
    return next((name for name in names if name in keys), None)

"""A settings file: TOML whose names are those of the variables, whole or in tables.

``[indexer]`` with ``http_listen = "127.0.0.1:8321"`` is INDEXER_HTTP_LISTEN, and so is that name at
the top. What the environment says goes before the file.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from indexer.errors import InvalidSettings
from indexer.settings.variables import check_name

BYTES_MAX = 1 << 20
"""Every setting with a text of its longest is a hundredth of it."""


def read_config(path: Path, known: Iterable[str]) -> dict[str, str]:
    """Texts of the settings in the file, by variable.

    Raises InvalidSettings for a file that cannot be read, a name that is not a setting, or a value
    that is neither text, number, true or false, nor a list of texts.
    """
    known = frozenset(known)
    found: dict[str, str] = {}
    for name, value in _flat(_document(path)):
        if name not in known:
            check_name(name, known, strict=True, where=f"{path}: ")
        if name in found:
            raise InvalidSettings(f"{path}: {name} is set twice", hint="Remove one of the two.")
        found[name] = _text(path, name, value)
    return found


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
        if len(content) > BYTES_MAX:
            raise InvalidSettings(
                f"the settings file {path} is larger than {BYTES_MAX} bytes",
                hint="Give --config a TOML file with settings alone.",
            )
        return tomllib.loads(content.decode())
    except OSError as error:
        raise InvalidSettings(
            f"cannot read the settings file {path}: {error.strerror}",
            hint="Give --config a TOML file that this user may read.",
        ) from error
    except ValueError as error:
        raise InvalidSettings(
            f"the settings file {path} is not TOML: {error}",
            hint='Write a setting a line, such as INDEXER_HTTP_LISTEN = "127.0.0.1:8321".',
        ) from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{prefix}{key}".upper().replace("-", "_")
        if isinstance(value, dict):
            yield from _flat(value, f"{name}_")
        else:
            yield name, value


def _text(path: Path, name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    raise InvalidSettings(
        f"{path}: {name} cannot be a {type(value).__name__}",
        hint="Write text, a number, true or false, or a list of texts.",
    )

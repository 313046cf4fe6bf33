"""All dialects of Junjo's front ends, the oldest first. A new one is a module and a line here."""

from indexer.clients.junjo import dialect_061, dialect_070, dialect_080, dialect_082
from indexer.clients.junjo.dialect import Dialect
from indexer.errors import InvalidSettings

DIALECTS: tuple[Dialect, ...] = (
    dialect_061.DIALECT,
    dialect_070.DIALECT,
    dialect_080.DIALECT,
    dialect_082.DIALECT,
)


def bare_dialect(version: str = "") -> Dialect:
    """The one whose shared paths need no prefix: of that version, or the newest.

    Raises InvalidSettings for a version that shares no path, or that there is none of.
    """
    sharing = {one.version: one for one in DIALECTS if not one.is_always_bare}
    if not version:
        return list(sharing.values())[-1]
    if version not in sharing:
        raise InvalidSettings(
            f"INDEXER_JUNJO_DIALECT={version!r}: no dialect of Junjo's shared paths",
            hint=f"Expected one of {', '.join(sharing)}.",
        )
    return sharing[version]

"""Compare a listing with what the index knows. Pure: values in, a plan out.

An absent file may only be gone when the folder it was in could be listed and is still on the
device the file was on. An unmounted root, a folder without permission or a network volume that
answers with nothing therefore removes nothing. Whether it is gone then is ``removal_rule``'s.
"""

from collections.abc import Callable, Mapping

from indexer.deferred_dataclass import dataclass
from indexer.model import Listing, ParquetFileInfo, RegisteredFile
from indexer.system.storage import display_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a listing says has to happen."""

    to_read: tuple[ParquetFileInfo, ...]
    """New files, and known ones whose size or time differs."""
    relocated: tuple[ParquetFileInfo, ...]
    """Same path, size and modification time, but another device, inode or change time: a copy, a
    volume mounted anew, a change of permissions, or other bytes."""
    removed: tuple[str, ...]
    """Relative paths that are absent from a folder that was listed."""
    hidden: tuple[str, ...] = ()
    """Relative paths that are absent because of what could not be listed."""
    elsewhere: tuple[str, ...] = ()
    """Relative paths that are absent from a folder on another device than theirs."""

    @property
    def absent(self) -> tuple[str, ...]:
        """All known relative paths at which the listing has no file."""
        return (*self.removed, *self.hidden, *self.elsewhere)


def compare(
    listing: Listing,
    registered: Mapping[str, RegisteredFile],
    quarantined: Mapping[str, tuple[int, int]],
    nearest_device: Callable[[str], int | None],
) -> Changes:
    """The difference between the disk and the index.

    ``quarantined`` maps a relative path to the (size, time) that was refused: those bytes are
    not read again. ``nearest_device`` gives the device of the closest existing folder above a
    path.
    """
    to_read: list[ParquetFileInfo] = []
    relocated: list[ParquetFileInfo] = []
    renumbered: dict[int, int] = {}
    for info in listing.files:
        known = registered.get(info.relative_path)
        if known is None or known.stamp != info.stamp:
            if quarantined.get(display_path(info.relative_path)) != info.stamp:
                to_read.append(info)
        elif not known.is_still(info):
            relocated.append(info)
            renumbered[known.device] = info.device
    removed, hidden, elsewhere = _absent(listing, registered, renumbered, nearest_device)
    return Changes(
        to_read=tuple(to_read),
        relocated=tuple(relocated),
        removed=tuple(removed),
        hidden=tuple(hidden),
        elsewhere=tuple(elsewhere),
    )


def _absent(
    listing: Listing,
    registered: Mapping[str, RegisteredFile],
    renumbered: Mapping[int, int],
    nearest_device: Callable[[str], int | None],
) -> tuple[list[str], list[str], list[str]]:
    present = {info.relative_path for info in listing.files}
    blind = tuple(folder for folder, _ in listing.unlisted)
    removed: list[str] = []
    hidden: list[str] = []
    elsewhere: list[str] = []
    devices: dict[str, int | None] = {}
    for path, known in registered.items():
        if path in present:
            continue
        if is_below_any(path, blind):
            hidden.append(path)
            continue
        folder = path.rpartition("/")[0]
        if folder not in devices:
            devices[folder] = nearest_device(path)
        expected = renumbered.get(known.device, known.device)
        (removed if devices[folder] == expected else elsewhere).append(path)
    return removed, hidden, elsewhere


def is_below_any(path: str, folders: tuple[str, ...]) -> bool:
    """Whether the path is, or lies below, one of the folders; ``""`` is the root."""
    return any(folder in {"", path} or path.startswith(folder + "/") for folder in folders)

"""Where files may be that left their places, so that no answer lacks them meanwhile. Pure.

A renamed file keeps its inode, size and time; one moved to another device its size and time; a
copy at least its size. What leaves the index waits until the files are decided in which its
content may be, and leaves in the transaction of the last of them.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

from indexer.deferred_dataclass import dataclass
from indexer.model import ParquetFileInfo, RegisteredFile

Place = ParquetFileInfo | RegisteredFile


@dataclass(slots=True)
class _Group:
    """Files that left, and the places that have to be decided before they leave the index."""

    gone: set[str]
    places: set[str]


class Moves:
    """Registered files that are gone, each with the undecided files that it may have become."""

    def __init__(self) -> None:
        self._by_place: dict[str, list[_Group]] = {}
        self._by_gone: dict[str, _Group] = {}

    @property
    def gone(self) -> frozenset[str]:
        """Relative paths of the files that wait."""
        return frozenset(self._by_gone)

    def match(self, gone: Iterable[RegisteredFile], arrived: Iterable[ParquetFileInfo]) -> None:
        """Take in files that are gone and have a likely new place among the arrived ones."""
        places = _by_likeness(arrived)
        groups: dict[Hashable, _Group] = {}
        for file in gone:
            key = next((key for key in _likenesses(file) if key in places), None)
            if key is None:
                continue
            group = groups.get(key)
            if group is None:
                group = groups[key] = _Group(set(), set(places[key]))
                for place in group.places:
                    self._by_place.setdefault(place, []).append(group)
            group.gone.add(file.relative_path)
            self._by_gone[file.relative_path] = group

    def leaving_with(self, decided: Iterable[str]) -> set[str]:
        """The files that nothing holds back once these places are decided."""
        known = frozenset(decided)
        groups = [group for place in known for group in self._by_place.get(place, ())]
        return set().union(*(group.gone for group in groups if group.places <= known))

    def decide(self, places: Iterable[str]) -> None:
        """These places are in the index, or will not be."""
        for place in places:
            for group in self._by_place.pop(place, ()):
                group.places.discard(place)
                if not group.places:
                    self._forget(group)

    def give_up(self, place: str) -> set[str]:
        """A place is gone before it was read: the files whose whereabouts are unknown again."""
        lost: set[str] = set()
        for group in self._by_place.pop(place, ()):
            lost |= group.gone
            self._forget(group)
        return lost

    def clear(self) -> None:
        """Forget all of them: a listing says anew what is gone."""
        self._by_place.clear()
        self._by_gone.clear()

    def _forget(self, group: _Group) -> None:
        for path in group.gone:
            self._by_gone.pop(path, None)
        group.gone = set()


def same_file(gone: Mapping[str, RegisteredFile], arrived: Iterable[ParquetFileInfo]) -> set[str]:
    """Of the files that are gone those that another path names now: same inode, size and time."""
    exact = {_exact(info) for info in arrived}
    return {path for path, file in gone.items() if _exact(file) in exact}


def _by_likeness(arrived: Iterable[ParquetFileInfo]) -> dict[Hashable, set[str]]:
    places: dict[Hashable, set[str]] = defaultdict(set)
    for info in arrived:
        for key in _likenesses(info):
            places[key].add(info.relative_path)
    return places


def _likenesses(file: Place) -> tuple[Hashable, ...]:
    """By what two files may be one, the most certain first."""
    return _exact(file), file.stamp, file.size_bytes


def _exact(file: Place) -> tuple[int, int, tuple[int, int]]:
    return file.device, file.inode, file.stamp

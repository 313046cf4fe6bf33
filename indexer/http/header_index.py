"""The headers of a request by their names: checks ask for a dozen of them, and most are absent."""

from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope


class HeaderIndex(Headers):
    """The same headers, put in order by one look at each. They are not to be changed."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        self._by_name: dict[str, list[str]] = {}
        for name, value in self._list:
            self._by_name.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))

    def getlist(self, key: str) -> list[str]:
        """All values under a name, which may be in any case."""
        return list(self._by_name.get(key.lower(), ()))

    def get(self, key: str, default: Any = None) -> Any:
        """The first of them, if there is one."""
        found = self._by_name.get(key.lower())
        return default if found is None else found[0]

    def __getitem__(self, key: str) -> str:
        """The same. Raises KeyError where there is none."""
        return self._by_name[key.lower()][0]

    def __contains__(self, key: Any) -> bool:
        """Whether there is one."""
        return key.lower() in self._by_name

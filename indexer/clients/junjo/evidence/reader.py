"""Typed values out of attributes; each that is not what the contract says is an issue. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, TypeGuard

from indexer.clients.junjo.evidence.portable import INTEGER_MAX, is_portable_text
from indexer.clients.junjo.evidence.values import Issue


def is_count(value: object, least: int) -> TypeGuard[int]:
    """An integer from ``least`` to 2^53-1."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= INTEGER_MAX


class AttributeReader:
    """The attributes of a span or an event; ``issues`` is what was found wrong so far.

    A value that is absent or invalid is None. An invalid one is an issue, an absent one only
    where it is required. ``path`` is where the attributes are, for the issues.
    """

    def __init__(
        self, attributes: Mapping[str, Any], path: str, issues: list[Issue] | None = None
    ) -> None:
        self.attributes = attributes
        self.path = path
        self.issues: list[Issue] = [] if issues is None else issues

    def text(self, name: str, *, required: bool = False) -> str | None:
        """Text that is not empty."""
        value = self._found(name, required=required)
        if value is None:
            return None
        if is_portable_text(value):
            return value
        self.invalid(name, "expected text that is not empty")
        return None

    def choice(self, name: str, choices: Collection[str], *, required: bool = False) -> str | None:
        """One of these texts."""
        value = self._found(name, required=required)
        if value is None or (isinstance(value, str) and value in choices):
            return value
        self.invalid(name, f"expected one of {', '.join(choices)}")
        return None

    def count(self, name: str, least: int = 0, *, required: bool = False) -> int | None:
        """An integer from ``least`` to 2^53-1."""
        value = self._found(name, required=required)
        if value is None:
            return None
        if is_count(value, least):
            return value
        self.invalid(name, f"expected an integer from {least} to 2^53-1")
        return None

    def flag(self, name: str, *, required: bool = False) -> bool | None:
        """True or false."""
        value = self._found(name, required=required)
        if value is None or isinstance(value, bool):
            return value
        self.invalid(name, "expected true or false")
        return None

    def is_there(self, name: str) -> bool:
        """Whether there is anything under a name."""
        return self.attributes.get(name) is not None

    def invalid(self, name: str, message: str) -> None:
        """Say that a value is not as expected."""
        self.issue("attribute_invalid", name, message)

    def issue(self, code: str, name: str, message: str) -> None:
        """Say anything else of an attribute."""
        self.issues.append(Issue(code, f"{self.path}.{name}", message))

    def _found(self, name: str, *, required: bool) -> Any:
        value = self.attributes.get(name)
        if value is None and required:
            self.issue("attribute_missing", name, "the contract has it")
        return value

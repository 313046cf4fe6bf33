"""What a setting is: the variable that sets it, its default, the kind of its value, its meaning.

Every command reads all settings at its start, so the declarations are plain values: a library that
builds validators from annotations takes longer than the whole command.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, overload

from indexer.errors import InvalidSettings

T = TypeVar("T")


class Kind(NamedTuple, Generic[T]):
    """How a value is read, and what it may be."""

    read: Callable[[Any], T]
    """From text, or from what the program itself gives. Raises ValueError saying what is
    expected."""
    bounds: str = ""
    """The lowest and the highest, for people."""
    options: tuple[str, ...] = ()
    """All there are, of a choice."""
    write: Callable[[Any], str] = str
    """The value as a person would set it: ``read`` has the same again."""


class Setting(Generic[T]):
    """One declaration; on an instance of its class, the value."""

    __slots__ = ("default", "field", "kind", "meaning", "variable")

    def __init__(self, variable: str, default: str | float, kind: Kind[T], meaning: str) -> None:
        """``default`` is written as somebody would set it; ``meaning`` is a sentence."""
        self.variable = variable
        self.default = default
        self.kind = kind
        self.meaning = meaning
        self.field = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.field = name

    @overload
    def __get__(self, values: None, owner: type) -> Self: ...

    @overload
    def __get__(self, values: "SettingsPart", owner: type) -> T: ...

    def __get__(self, values: "SettingsPart | None", owner: type) -> Any:
        return self if values is None else values.value_of(self.field)

    def __set__(self, values: "SettingsPart", value: object) -> None:
        raise AttributeError(f"settings are frozen: {self.field}")

    @property
    def default_text(self) -> str:
        """The default as an environment would give it."""
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)

    def read(self, value: object) -> T:
        """The value of this setting. Raises InvalidSettings with its name and its meaning."""
        try:
            return self.kind.read(value)
        except ValueError as error:
            default = self.default_text or "empty"
            raise InvalidSettings(
                f"{self.variable}={value!r}: {error}",
                hint=f"Correct or unset it (default: {default}). {self.meaning}",
            ) from None


class SettingsPart:
    """Settings of one kind, or of several together; they do not change while the program runs."""

    fields: ClassVar[Mapping[str, Setting[Any]]] = {}
    """Every declaration, by the name of its attribute."""

    def __init_subclass__(cls) -> None:
        """Collect the declarations of the class and of all its parts, the last part first."""
        cls.fields = {
            name: one
            for part in reversed(cls.__mro__)
            for name, one in vars(part).items()
            if isinstance(one, Setting)
        }

    def __init__(self, **values: Any) -> None:
        """Values of the program itself, by attribute and taken as they are; others are defaults."""
        if unknown := sorted(values.keys() - self.fields.keys()):
            raise TypeError(f"not settings: {', '.join(unknown)}")
        self._values = {
            name: values[name] if name in values else one.read(one.default)
            for name, one in self.fields.items()
        }

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._values == self._values

    __hash__ = None  # type: ignore[assignment]

    def value_of(self, name: str) -> Any:
        """The value of the setting with that attribute."""
        return self._values[name]

    def replace(self, **values: Any) -> Self:
        """The same settings, but for these by attribute, taken as they are."""
        return type(self)(**{**self._values, **values})

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Self:
        """The settings that values by variable make; other names are ignored.

        Raises InvalidSettings for the first value that cannot be.
        """
        return cls(
            **{
                name: one.read(given[one.variable])
                for name, one in cls.fields.items()
                if one.variable in given
            }
        )

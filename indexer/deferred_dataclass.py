"""``dataclass`` as the standard library has it, with methods that are written when one is called.

It writes up to six methods a class and compiles each by itself, which takes a millisecond. A
search of a small index loads 160 of these classes and makes values of 50: with all of them written
at once, they were half of what it took beside the engines.
"""

import dataclasses
from collections.abc import Callable, Collection
from dataclasses import FrozenInstanceError
from typing import Any, Literal, TypeVar, dataclass_transform

_Class = TypeVar("_Class", bound=type)


@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(
    *,
    slots: Literal[True],  # noqa: ARG001 - where it stands, readers see what the class is
    frozen: bool = False,
    kw_only: bool = False,
    eq: bool = True,
    weakref_slot: bool = False,
) -> Callable[[_Class], _Class]:
    """A dataclass with slots; what it can do is as with ``dataclasses.dataclass``.

    Fields that the constructor does not take have no default and are set in ``__post_init__``.
    Fields in an impossible order are a SyntaxError of the first value; mypy finds them before.
    """

    def decorate(declared: _Class) -> _Class:
        own = vars(declared).keys()
        begin = dataclasses.dataclass(
            slots=True, kw_only=kw_only, weakref_slot=weakref_slot, init=False, repr=False, eq=False
        )
        begun: Any = begin(declared)
        compared = {"__eq__", "__hash__"} if frozen else {"__eq__"}
        _defer_init(begun)
        _defer(begun, ({"__repr__"} | (compared if eq else set())) - own, frozen=frozen)
        if frozen:
            for name, method in _OF_FROZEN.items():
                setattr(begun, name, method)
        elif eq:
            begun.__hash__ = None  # as of all values that are compared and can change
        made: _Class = begun
        return made

    return decorate


def _defer_init(begun: Any) -> None:
    """Give the class an ``__init__`` that writes itself at the first call.

    The standard library's of a frozen class comes with two more methods and sets slots by name.
    """

    def write() -> None:
        source, names = _init_source(begun)
        exec(source, names)  # noqa: S102 - as the standard library does
        begun.__init__ = names["__init__"]
        begun.__init__.__qualname__ = f"{begun.__qualname__}.__init__"

    begun.__init__ = _written_by(write, "__init__")


def _init_source(begun: type) -> tuple[str, dict[str, Any]]:
    """The method as text, and what its names stand for."""
    names: dict[str, Any] = {"_absent": object()}
    parameters = {False: ["self"], True: ["*"]}
    body = []
    for one in dataclasses.fields(begun):
        default, value = "", one.name
        if one.default is not dataclasses.MISSING:
            names[f"_default_{one.name}"] = one.default
            default = f"=_default_{one.name}"
        elif one.default_factory is not dataclasses.MISSING:
            names[f"_make_{one.name}"] = one.default_factory
            default, value = "=_absent", f"_make_{value}() if {value} is _absent else {value}"
        if one.init:
            parameters[bool(one.kw_only)].append(one.name + default)
            names[f"_set_{one.name}"] = getattr(begun, one.name).__set__
            body.append(f"_set_{one.name}(self, {value})")
    body += ["self.__post_init__()"] if hasattr(begun, "__post_init__") else ["pass"]
    named = parameters[True] if len(parameters[True]) > 1 else []
    listed = ", ".join(parameters[False] + named)
    return f"def __init__({listed}):\n " + "\n ".join(body), names


def _defer(begun: type, names: Collection[str], *, frozen: bool) -> None:
    """Give the class methods of these names; the first call of one replaces them all."""

    def write() -> None:
        whole = dataclasses.make_dataclass(
            begun.__name__,
            [(one.name, one.type, one) for one in dataclasses.fields(begun)],
            init=False,
            repr="__repr__" in names,
            eq="__eq__" in names or "__hash__" in names,
            frozen=frozen,
        )
        for name in names:
            setattr(begun, name, vars(whole)[name])

    for name in names:
        setattr(begun, name, _written_by(write, name))


def _written_by(write: Callable[[], None], name: str) -> Callable[..., Any]:
    def method(self: Any, *values: Any, **named: Any) -> Any:
        write()
        return getattr(self, name)(*values, **named)

    return method


def _refuse_assignment(_self: Any, name: str, _value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    """For copies and pickles, which would assign."""
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


_OF_FROZEN = {
    "__setattr__": _refuse_assignment,
    "__delattr__": _refuse_deletion,
    "__getstate__": _state,
    "__setstate__": _set_state,
}

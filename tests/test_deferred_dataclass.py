"""Classes whose methods are deferred are dataclasses in everything that can be seen of them."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field

import pytest

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    row: int
    paths: tuple[str, ...] = ()
    seen: dict[str, int] = field(default_factory=dict, compare=False)
    size: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "size", len(self.paths))


@dataclass(frozen=True, slots=True)
class Base:
    kind: str


@dataclass(frozen=True, slots=True)
class Derived(Base):
    number: int = 7


@dataclass(slots=True)
class Count:
    number: int


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Handle:
    number: int


@dataclass(frozen=True, slots=True)
class OwnHash:
    number: int
    values: list[int]

    def __hash__(self):
        return self.number

    def __repr__(self):
        return "own"


def twin(of):
    """The same class, written by the standard library alone."""
    return dataclasses.make_dataclass(
        of.__name__,
        [(one.name, one.type, one) for one in dataclasses.fields(of)],
        namespace={"__post_init__": of.__post_init__} if hasattr(of, "__post_init__") else {},
        frozen=True,
        slots=True,
    )


def test_a_value_is_what_the_standard_library_makes_of_the_class():
    ours = Place(row=1, paths=("a", "b"))
    theirs = twin(Place)(row=1, paths=("a", "b"))
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs) == "Place(row=1, paths=('a', 'b'), seen={}, size=2)"
    assert hash(ours) == hash(theirs)
    assert Place.__match_args__ == twin(Place).__match_args__


@pytest.mark.parametrize(
    "first",
    [repr, hash, lambda value: value == 1, lambda value: value != 1],
    ids=["repr", "hash", "equal", "unequal"],
)
def test_any_method_can_be_the_first_that_is_called(first):
    @dataclass(frozen=True, slots=True)
    class Fresh:
        row: int

    first(Fresh(1))
    assert Fresh(1) == Fresh(1) != Fresh(2)
    assert hash(Fresh(1)) == hash(Fresh(1))


def test_what_is_wrong_with_arguments_is_said_at_the_first_value_and_at_each_later_one():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Fresh:
        row: int

    for _ in range(2):
        with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'row'"):
            Fresh()


def test_a_frozen_value_is_neither_changed_nor_has_it_a_dictionary():
    place = Place(row=1)
    with pytest.raises(FrozenInstanceError, match="assign to field 'row'"):
        place.row = 2
    with pytest.raises(FrozenInstanceError, match="delete field 'row'"):
        del place.row
    assert not hasattr(place, "__dict__")


def test_a_frozen_value_is_copied_pickled_and_replaced():
    place = Place(row=1, paths=("a",), seen={"a": 1})
    assert pickle.loads(pickle.dumps(place)) == copy.deepcopy(place) == place  # noqa: S301 - ours
    assert dataclasses.replace(Base("a"), kind="b") == Base("b")


def test_a_class_has_the_fields_of_its_base():
    assert Derived("x") == Derived("x", 7) != Derived("x", 8)
    assert repr(Derived("x")).endswith("Derived(kind='x', number=7)")
    assert Base("x") != Derived("x")


def test_a_value_that_can_change_has_no_hash():
    count = Count(1)
    count.number += 1
    assert count == Count(2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)


def test_without_comparison_a_value_is_itself_alone():
    assert Handle(1) != Handle(1)
    assert len({Handle(1), Handle(1)}) == 2


def test_methods_that_the_class_has_of_its_own_stay():
    assert hash(OwnHash(3, [])) == 3
    assert repr(OwnHash(3, [])) == "own"
    assert OwnHash(3, []) == OwnHash(3, [])

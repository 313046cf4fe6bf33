"""A declaration of a setting is its value on an instance, and says what it is when it is refused."""

import copy
import pickle

import pytest

from indexer.errors import InvalidSettings
from indexer.settings.kinds import SECRET, SWITCH, TEXT, choice, seconds, whole_number
from indexer.settings.setting import Setting, SettingsPart


class Doors(SettingsPart):
    """Of one kind."""

    port = Setting("X_PORT", 80, whole_number(0, 65_535), "Where it listens.")
    token = Setting("X_TOKEN", "", SECRET, "Who may enter.")


class House(Doors):
    """Of two."""

    name = Setting("X_NAME", "home", TEXT, "What it is called.")
    lit = Setting("X_LIT", False, SWITCH, "Whether there is light.")
    every = Setting("X_EVERY", 60.0, seconds(1, 604_800), "How long a candle lasts.")
    side = Setting("X_SIDE", "north", choice(("north", "south", "")), "Where the door is.")


def test_a_class_has_the_declarations_of_its_parts_before_its_own():
    assert list(House.fields) == ["port", "token", "name", "lit", "every", "side"]
    assert (House.port.variable, House.port.kind.bounds) == ("X_PORT", "0 to 65535")
    assert (House.lit.default_text, House.side.kind.options) == ("false", ("north", "south", ""))


def test_an_instance_has_values_those_given_by_variable_and_else_the_defaults():
    house = House.read({"X_PORT": "8_080.0", "X_LIT": " On ", "Y_PORT": "1"})
    assert (house.port, house.lit, house.name, house.side) == (8080, True, "home", "north")
    assert house == House(port=8080, lit=True)
    assert house.replace(lit=False) == House(port=8080) != house


def test_nothing_is_set_afterwards_and_nothing_unknown_before():
    with pytest.raises(AttributeError, match="frozen: port"):
        House().port = 81
    with pytest.raises(TypeError, match="not settings: ports"):
        House(ports=81)


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("X_PORT", "65536", "expected 0 to 65535"),
        ("X_PORT", "-1", "expected 0 to 65535"),
        ("X_EVERY", "8d", "expected 1s to 1w"),
        ("X_PORT", "1.5", "expected a whole number"),
        ("X_PORT", "9" * 65, "expected a whole number"),
        ("X_LIT", "perhaps", "expected true or false"),
        ("X_SIDE", "west", "expected one of: north, south, nothing"),
    ],
)
def test_a_refusal_says_what_is_expected_the_default_and_the_meaning(variable, text, expected):
    with pytest.raises(InvalidSettings) as refusal:
        House.read({variable: text})
    assert refusal.value.message == f"{variable}={text!r}: {expected}"
    (one,) = [one for one in House.fields.values() if one.variable == variable]
    assert refusal.value.advice == (
        f"Correct or unset it (default: {one.default_text}). {one.meaning}"
    )


def test_a_secret_is_shown_nowhere_and_goes_to_another_process():
    doors = House.read({"X_TOKEN": "0123456789abcdef"})
    assert "0123" not in f"{doors.token} {doors.token!r} {doors!r}"
    again = pickle.loads(pickle.dumps(doors))  # noqa: S301 - made here
    assert again == copy.copy(doors) == doors
    assert again.token.get_secret_value() == "0123456789abcdef"

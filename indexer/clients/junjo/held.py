"""Values of a span made ones that a front end's validation accepts, which rejects whole answers.

One bad value would cost the list or trace that it stands in. What has no place in a field keeps one
under ``UNHELD``, so that nothing is hidden. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from indexer.clients.junjo.times import TIME_MAX, event_time, iso_time
from indexer.deferred_dataclass import dataclass

UNHELD = "span_indexer.unheld"
"""The attribute that has what its field cannot hold, as it is stored."""
UNNAMED = "unnamed"
"""The name of an event that has none, where one is asked for."""
SAFE_INTEGER_MAX = 2**53 - 1
"""The largest integer up to which ECMAScript's numbers are exact."""
YEAR_1_UNIX_NANO = -62_135_596_800 * 10**9
YEAR_10000_UNIX_NANO = 253_402_300_800 * 10**9
_EVENT_FIELDS = {"name", "timeUnixNano", "attributes", "droppedAttributesCount"}


class Held(NamedTuple):
    """A value for a field, and whether it had to be made another one for it."""

    value: Any
    is_altered: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A span as a dialect has it, and the fields that are not as the span has them."""

    fields: Mapping[str, Any]
    altered: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Held | Any]) -> "Body":
        """Of values, of which those that may have been altered are ``Held``."""
        values: dict[str, Any] = {}
        altered = []
        for name, one in fields.items():
            if isinstance(one, Held):
                values[name] = one.value
                if one.is_altered:
                    altered.append(name)
            else:
                values[name] = one
        return cls(values, tuple(altered))


def time(unix_nano: int) -> Held:
    """ISO 8601 with six decimals and ``Z``, of the years 1 to 9999: others have a sign."""
    last = YEAR_10000_UNIX_NANO - 1
    nearest = min(max(unix_nano, YEAR_1_UNIX_NANO), last)
    return Held(iso_time(nearest), nearest != unix_nano)


def attributes(value: Any) -> Held:
    """An object."""
    if isinstance(value, Mapping):
        return Held(value)
    return Held({UNHELD: value}, is_altered=True)


def count(value: Any, most: int = SAFE_INTEGER_MAX) -> Held:
    """A number from 0; what is absent is 0, as in OTLP."""
    if value is None:
        return Held(0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return Held(0, is_altered=True)
    return Held(min(value, most), value > most)


def objects(value: Any) -> Held:
    """A list of objects; any other element becomes one that has it."""
    elements = value if isinstance(value, list) else [value]
    found = [one if isinstance(one, Mapping) else {UNHELD: one} for one in elements]
    is_whole = isinstance(value, list) and all(isinstance(one, Mapping) for one in elements)
    return Held(found, not is_whole)


def events(value: Any, event: Callable[[Any], Held]) -> Held:
    """A list of events, each made one by ``event``."""
    elements = value if isinstance(value, list) else [value]
    found = [event(one) for one in elements]
    is_altered = any(one.is_altered for one in found) or not isinstance(value, list)
    return Held([one.value for one in found], is_altered)


def event_with_number(event: Any) -> Held:
    """An event with its time as a number; one without a readable time keeps what it has.

    Such a one is passed over by front ends, and rejects nothing.
    """
    if not isinstance(event, Mapping):
        return Held({UNHELD: event}, is_altered=True)
    at = event_time(event)
    return Held(event if at is None else {**event, "timeUnixNano": at})


def event_with_text(event: Any, otherwise_unix_nano: int) -> Held:
    """An event with exactly four fields, its time as decimal text.

    One without a readable time is at ``otherwise_unix_nano``.
    """
    given: Mapping[str, Any] = event if isinstance(event, Mapping) else {}
    name, at = given.get("name"), event_time(given)
    is_named = isinstance(name, str) and name != ""
    stored = given.get("attributes")
    values = attributes({} if stored is None else stored)
    dropped = count(given.get("droppedAttributesCount"))
    unheld = _unheld(event)
    made = {
        "name": name if is_named else UNNAMED,
        "timeUnixNano": str(min(max(otherwise_unix_nano, 0), TIME_MAX) if at is None else at),
        "attributes": {**values.value, UNHELD: unheld} if unheld else values.value,
        "droppedAttributesCount": dropped.value,
    }
    is_whole = is_named and at is not None and not unheld
    return Held(made, not is_whole or values.is_altered or dropped.is_altered)


def _unheld(event: Any) -> Any:
    """What the four fields have no place for: other members, and what is not a name or a time."""
    if not isinstance(event, Mapping):
        return event
    unheld = {key: one for key, one in event.items() if key not in _EVENT_FIELDS}
    name, at = event.get("name"), event.get("timeUnixNano")
    if name is not None and not isinstance(name, str):
        unheld["name"] = name
    if at is not None and event_time(event) is None:
        unheld["timeUnixNano"] = at
    return unheld

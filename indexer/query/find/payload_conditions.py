"""What a span has to be by its payload: attributes under a key, and text anywhere. Pure.

Which spans are so is decided in ``payload_truth``.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.system import arrow_compute as pc

Owner = Literal["span", "resource", "scope", "event"]
"""Whose attributes they are."""
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "exists", "contains", "matches"]
Value = str | int | float | bool

COLUMN_OF: Mapping[Owner, str] = {
    "span": "attributes",
    "resource": "resource_attributes",
    "scope": "scope_attributes",
    "event": "events",
}
"""The canonical payload column that each owner's attributes are in."""
TEXT_COLUMNS = ("status_message", "attributes", "events")
"""The columns that free text is looked for in, beside the name."""

KEY_CHARS_MAX = 256
"""Of a key: the semantic conventions have none of 64."""
VALUE_CHARS_MAX = 1_024
"""Of a text that values are compared with."""
PATTERN_CHARS_MAX = 256
"""Of a regular expression: RE2 takes time in proportion to it for every byte that it reads."""

ORDERINGS = ("<", "<=", ">", ">=")
_TEXT_OPERATORS = ("contains", "matches")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeCondition:
    """An attribute under this key, of the span or of what it belongs to, is such a value.

    Numbers are compared with numbers, text with text by its code points, and nothing else with
    anything. An array meets it when one of its elements does, events when one of them does. An
    attribute that is null is not there. ``!=`` says: it is there, and not equal. Raises
    QueryRefused for a value that the operator does not take.
    """

    owner: Owner = "span"
    key: str
    operator: Operator = "exists"
    value: Value | None = None

    def __post_init__(self) -> None:
        _refuse_long("key", self.key, KEY_CHARS_MAX)
        if self.operator not in get_args(Operator):
            raise QueryRefused(f"invalid operator {self.operator!r}", hint=_OPERATORS_HINT)
        if (self.value is None) != (self.operator == "exists"):
            expected = "no value" if self.operator == "exists" else "a value"
            raise QueryRefused(
                f"invalid condition on {self.key}: {self.operator} takes {expected}",
                hint=_OPERATORS_HINT,
            )
        self._refuse_value()

    def _refuse_value(self) -> None:
        is_text = isinstance(self.value, str)
        if self.operator in _TEXT_OPERATORS and not is_text:
            raise QueryRefused(
                f"invalid condition on {self.key}: {self.operator} takes text",
                hint="Quote a value that is to be text.",
            )
        if self.operator in ORDERINGS and isinstance(self.value, bool):
            raise QueryRefused(
                f"invalid condition on {self.key}: true and false have no order",
                hint="Compare them with = or !=.",
            )
        if isinstance(self.value, str):
            is_pattern = self.operator == "matches"
            _refuse_long("value", self.value, PATTERN_CHARS_MAX if is_pattern else VALUE_CHARS_MAX)
        if self.operator == "matches":
            _refuse_pattern(str(self.value))

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical payload columns that it is decided by."""
        return (COLUMN_OF[self.owner],)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCondition:
    """The text is somewhere in what the span says, in small letters or capitals.

    That is its name, of which the index has the first 4,096 bytes, its status message, and the
    texts and whole numbers among the values of its attributes, and among the names and attribute
    values of its events. Letters are compared without case as RE2 does.
    """

    text: str

    def __post_init__(self) -> None:
        _refuse_long("text", self.text, VALUE_CHARS_MAX)
        if not self.text:
            raise QueryRefused("the text is empty", hint="Leave it out to search for no text.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The canonical payload columns that it is decided by."""
        return TEXT_COLUMNS


PayloadCondition = AttributeCondition | TextCondition


def _refuse_long(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise QueryRefused(
            f"the {name} has {len(text):,} characters, limit {most:,}", hint="Use a shorter one."
        )
    if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
        raise QueryRefused(f"the {name} has half a surrogate pair", hint="Send valid Unicode.")


def _refuse_pattern(pattern: str) -> None:
    import pyarrow as pa  # noqa: PLC0415 - a command that asks the worker loads no Arrow

    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise QueryRefused(
            f"invalid regular expression {pattern!r}: {reason}",
            hint="Write it in RE2's syntax: https://github.com/google/re2/wiki/Syntax.",
        ) from error


_OPERATORS_HINT = "Operators are =, !=, <, <=, >, >=, exists, contains and matches."

"""The options of a search as its words, checked: of a search over the catalog, or of a refusal.

The rules are those of the routes; what checks a request there takes longer to load than an answer.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from indexer.clients.shared.attribute_words import attribute_condition
from indexer.clients.shared.search_values import (
    DURATION,
    DURATION_WORDS,
    KINDS,
    ORDERS,
    SPANS_DEFAULT,
    STATUSES,
    payload_conditions,
    search_query,
)
from indexer.clients.shared.text_limits import TEXT_CHARS_MAX
from indexer.clients.shared.time_texts import BOUND_CHARS_MAX, QuestionTimes
from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.query.find.condition_tree import CONDITIONS_MAX
from indexer.query.find.cursor import ListOf
from indexer.query.find.span_query import LIMIT_MAX, SpanQuery
from indexer.query.limits import TRACES_MAX

TEXT_SHOWN = 100
"""Characters of what is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenWords:
    """The words that options give; what is left out does not narrow."""

    service: str | None = None
    name: str | None = None
    name_prefix: str | None = None
    name_contains: str | None = None
    kind: str | None = None
    status: str | None = None
    min_duration: str | None = None
    max_duration: str | None = None
    since: str | None = None
    until: str | None = None
    roots: bool = False
    text: str | None = None
    attr: Sequence[str] = ()
    order: str = "newest"
    limit: int = SPANS_DEFAULT
    cursor: str | None = None
    traces: bool = False
    """A search for traces that have such spans."""

    def query(self) -> SpanQuery:
        """Raises QueryRefused for an invalid time or attribute, and for another search's cursor."""
        where = [*map(attribute_condition, self.attr), *payload_conditions(self)]
        list_of: ListOf = "traces" if self.traces else "spans"
        return search_query(self, where, self, QuestionTimes(self.cursor), list_of)

    def parameters(self) -> dict[str, Any]:
        """Of the worker's route: those that say something."""
        given = asdict(self)
        del given["traces"]  # another route
        return {name: one for name, one in given.items() if one not in (None, False, ())}


def given_words(options: argparse.Namespace) -> GivenWords:
    """The words that the options give. Raises QueryRefused with the one that cannot be."""
    given = {name: getattr(options, name, None) for name in GivenWords.__slots__}
    words = {name: one for name, one in given.items() if one is not None}
    rules = _RULES_OF_TRACES if words.get("traces") else _RULES
    for name, value in words.items():
        if name in rules and (expected := rules[name](value)):
            option = "--" + name.replace("_", "-")
            raise QueryRefused(
                f"invalid {option} {str(value)[:TEXT_SHOWN]!r}: expected {expected}",
                hint="See the command with --help.",
            )
    return GivenWords(**words)


_Rule = Callable[[Any], str | None]
"""What is expected instead of a value that cannot be; None for one that can."""


def _shorter(most: int) -> _Rule:
    return lambda text: f"{most:,} characters at most" if len(text) > most else None


def _one_of(names: Sequence[str]) -> _Rule:
    return lambda text: None if text in names else f"one of {', '.join(names)}"


def _length(text: str) -> str | None:
    is_one = re.fullmatch(DURATION.strip("^$"), text) is not None
    return None if is_one else DURATION_WORDS


def _conditions(texts: Sequence[str]) -> str | None:
    if len(texts) > CONDITIONS_MAX:
        return f"{CONDITIONS_MAX} conditions at most"
    return next(filter(None, map(_shorter(2 * TEXT_CHARS_MAX), texts)), None)


def _at_most(most: int) -> _Rule:
    return lambda limit: None if 1 <= limit <= most else f"a number from 1 to {most}"


_RULES: Mapping[str, _Rule] = {
    **dict.fromkeys(
        ("service", "name", "name_prefix", "name_contains", "text"), _shorter(TEXT_CHARS_MAX)
    ),
    **dict.fromkeys(("since", "until"), _shorter(BOUND_CHARS_MAX)),
    **dict.fromkeys(("min_duration", "max_duration"), _length),
    "kind": _one_of(KINDS),
    "status": _one_of(STATUSES),
    "order": _one_of(ORDERS),
    "attr": _conditions,
    "limit": _at_most(LIMIT_MAX),
}
_RULES_OF_TRACES = {**_RULES, "limit": _at_most(TRACES_MAX)}

"""A JSON document read member by member, so that only one of its values is in memory at a time.

Numbers with a point or an exponent stay text: what reads them knows whether they must be exact.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from indexer.errors import OtlpTooLarge

TOKENS_A_MESSAGE = 3
"""Brackets and commas: an attribute is two objects, ``{"key":"a","value":{"intValue":1}},``, and
a span has ten members beside its attributes."""

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL)
_SPACES = " \t\n\r"
_SPACE = re.compile(f"[{_SPACES}]*")
_END = "#"
"""Put after the document: no value begins or goes on with it, so that no index is beyond."""


class FloatText(str):
    """A number of a JSON document as it is written, with a point or an exponent."""

    __slots__ = ()


def _refuse_constant(name: str) -> NoReturn:
    """JSON has no such word, and Python's parser knows it all the same."""
    raise ValueError(f'{name} must be written as "{name}"')


DECODER = json.JSONDecoder(parse_float=FloatText, parse_constant=_refuse_constant)

_SCAN: Callable[[str, int], tuple[Any, int]] = DECODER.scan_once  # type: ignore[attr-defined]  # as raw_decode, without its calls
"""(text, position) -> (value, position behind it). Raises StopIteration where there is none."""


class TooManyTokens(Exception):
    """One value of a document is too large to be taken into hand; the cursor is behind it."""

    def __init__(self, tokens: int) -> None:
        super().__init__(f"{tokens} objects, arrays and members")
        self.tokens = tokens


def check_tokens(body: bytes, messages_max: int) -> int:
    """How many brackets and commas there are at most. It is not parsed, so texts may have some.

    Raises OtlpTooLarge for a document with more parts than so many messages have.
    """
    limit = TOKENS_A_MESSAGE * messages_max
    tokens = _tokens(body)
    if tokens > limit:
        tokens = _tokens(_STRING.sub(b"", body))
    if tokens > limit:
        raise OtlpTooLarge(
            f"the JSON has more than {limit} objects, arrays and members, "
            f"more than {messages_max} messages have"
        )
    return tokens


def _tokens(body: bytes) -> int:
    return body.count(b",") + body.count(b"{") + body.count(b"[")


class JsonReader:
    """A cursor over one document. Every method raises ValueError for invalid JSON."""

    def __init__(self, text: str) -> None:
        self._text = text + _END
        self._at = 0
        self._space()

    def value(self) -> Any:
        """The value at the cursor, whole."""
        try:
            found, self._at = _SCAN(self._text, self._at)
        except StopIteration:
            self._fail("a value")
        self._space()
        return found

    def value_within(self, tokens_max: int) -> Any:
        """The same, unless it has more brackets and commas. Raises TooManyTokens."""
        if self._text[self._at] in "{[":
            end, tokens = self._measure()
            if tokens > tokens_max:
                self._at = end
                self._space()
                raise TooManyTokens(tokens)
        return self.value()

    def _measure(self) -> tuple[int, int]:
        """Where the object or array at the cursor ends, and its brackets and commas."""
        tokens = depth = 0
        for found in _TOKEN.finditer(self._text, self._at):
            sign = self._text[found.start()]
            if sign in "}]":
                depth -= 1
                if depth == 0:
                    return found.end(), tokens
            elif sign != '"':
                tokens += 1
                depth += sign != ","
        return self._fail("the end of an object or array")

    def next_is(self, opening: str) -> bool:
        """Whether the value at the cursor begins so."""
        return self._text[self._at] == opening

    def members(self) -> Iterator[str]:
        """Names of the object at the cursor, which is before the member's value at each.

        Whoever takes a name has to read the value before the next one.
        """
        self._expect("{")
        if self._skip("}"):
            return
        while True:
            name = self.value() if self.next_is('"') else self._fail("a name in double quotes")
            self._expect(":")
            yield name
            if self._skip("}"):
                return
            self._expect(",")

    def elements(self) -> Iterator[None]:
        """Once for each element of the array at the cursor, which is before it each time."""
        self._expect("[")
        if self._skip("]"):
            return
        while True:
            yield None
            if self._skip("]"):
                return
            self._expect(",")

    def end(self) -> None:
        """Nothing follows."""
        if self._at < len(self._text) - len(_END):
            self._fail("the end of the document")

    def _space(self) -> None:
        if self._text[self._at] in _SPACES:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at

    def _skip(self, sign: str) -> bool:
        found = self._text[self._at] == sign
        if found:
            self._at += 1
            self._space()
        return found

    def _expect(self, sign: str) -> None:
        if not self._skip(sign):
            self._fail(repr(sign))

    def _fail(self, expected: str) -> NoReturn:
        raise json.JSONDecodeError(f"expected {expected}", self._text, self._at)

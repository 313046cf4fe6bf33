"""The statements that DuckDB cannot be taught from Python, found in a script of SQL.

Of ours are ATTACH of an ``otlp:`` URL or TYPE otlp, DETACH of what that attached, and CREATE, DROP
and INSERT of a ring. Everything else goes to DuckDB as it was written.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import field
from itertools import pairwise
from typing import NamedTuple

from indexer.deferred_dataclass import dataclass
from indexer.errors import QueryRefused
from indexer.live.address import SCHEME

MAYBE_OURS = re.compile(r"\b(otlp|detach|ring)\b", re.IGNORECASE)
"""What a script has to have before it is taken apart."""
MAYBE_INSERT = re.compile(r"\binsert\b", re.IGNORECASE)
"""The same where there is a ring; others may insert megabytes of text."""
_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d[\w.]*)
    |(?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_HINT = "See docs/live_tables.md for what is read."

Option = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """ATTACH [IF NOT EXISTS] 'otlp://host:port' AS alias (TYPE otlp, option value, ...)."""

    url: str
    alias: str
    options: dict[str, Option] = field(default_factory=dict)
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class Detach:
    """DETACH [DATABASE] alias, of any database."""

    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRing:
    """CREATE RING TABLE [IF NOT EXISTS] name (columns) [WITH (max_rows n, max_bytes n)]."""

    name: str
    columns: str
    options: dict[str, Option] = field(default_factory=dict)
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropRing:
    """DROP RING TABLE [IF EXISTS] name."""

    name: str
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class Insert:
    """INSERT INTO name [(columns)] query, of any table."""

    name: str
    columns: tuple[str, ...]
    query: str


Statement = Attach | Detach | CreateRing | DropRing | Insert


class _Token(NamedTuple):
    kind: str
    text: str
    begin: int


def statements(sql: str) -> list[tuple[str, Statement | None]]:
    """(text, what it is if it may be ours) of each statement of a script.

    Raises QueryRefused for one that is ours and not complete.
    """
    found: list[tuple[str, Statement | None]] = []
    tokens: list[_Token] = []
    for token in (*_tokens(sql), _Token("other", ";", len(sql))):
        if token.text == ";" and token.kind == "other":
            if tokens:
                end = token.begin
                found.append((sql[tokens[0].begin : end], _Parser(sql[:end], tokens).statement()))
            tokens = []
        else:
            tokens.append(token)
    return found


def _tokens(sql: str) -> list[_Token]:
    return [
        _Token(
            str(match.lastgroup if match.lastgroup != "tag" else "dollar"), match[0], match.start()
        )
        for match in _TOKEN.finditer(sql)
        if match.lastgroup != "space"
    ]


class _Parser:
    """One statement."""

    def __init__(self, sql: str, tokens: Sequence[_Token]) -> None:
        self._sql = sql
        self._tokens = list(tokens)
        self._at = 0

    def statement(self) -> Statement | None:
        """What it is; None for what is DuckDB's."""
        kinds: dict[str, Callable[[], Statement | None]] = {
            "ATTACH": self._attach,
            "DETACH": self._detach,
            "CREATE": self._create,
            "DROP": self._drop,
            "INSERT": self._insert,
        }
        first = self._tokens[0]
        made = kinds.get(first.text.upper()) if first.kind == "word" else None
        self._at = 1
        return made() if made else None

    def _attach(self) -> Attach | None:
        if self._words("OR", "REPLACE"):
            return None
        self._words("DATABASE")
        if_not_exists = self._words("IF", "NOT", "EXISTS")
        url = self._string()
        if url is None or not (url.lower().startswith(f"{SCHEME}:") or self._has_our_type()):
            return None
        alias = self._name() if self._words("AS") else None
        options = self._options() if self._next("(") else {}
        options.pop("type", None)
        if alias is None:
            raise QueryRefused("ATTACH of an OTLP address needs a name", hint="Add AS live.")
        self._end()
        return Attach(url=url, alias=alias, options=options, if_not_exists=if_not_exists)

    def _has_our_type(self) -> bool:
        words = [_unquoted(token).lower() for token in self._tokens if token.text != "="]
        return ("type", SCHEME) in pairwise(words)

    def _detach(self) -> Detach | None:
        self._words("DATABASE")
        self._words("IF", "EXISTS")
        name = self._name()
        return Detach(name) if name is not None and self._at == len(self._tokens) else None

    def _create(self) -> CreateRing | None:
        if not self._words("RING", "TABLE"):
            return None
        if_not_exists = self._words("IF", "NOT", "EXISTS")
        name = self._name()
        if name is None or not self._next("("):
            raise QueryRefused("CREATE RING TABLE needs a name and columns", hint=_HINT)
        columns = self._within()
        options = self._options() if self._words("WITH") and self._next("(") else {}
        self._end()
        return CreateRing(name=name, columns=columns, options=options, if_not_exists=if_not_exists)

    def _drop(self) -> DropRing | None:
        if not self._words("RING", "TABLE"):
            return None
        if_exists = self._words("IF", "EXISTS")
        name = self._name()
        if name is None:
            raise QueryRefused("DROP RING TABLE needs a name", hint=_HINT)
        self._end()
        return DropRing(name, if_exists)

    def _insert(self) -> Insert | None:
        name = self._name() if self._words("INTO") else None
        if name is None or self._at >= len(self._tokens) or self._next("."):
            return None
        columns: list[str] = []
        if self._next("("):
            while (column := self._name()) is not None:
                columns.append(column)
                self._next(",")
            if not self._next(")") or self._at >= len(self._tokens):
                return None
        return Insert(name, tuple(columns), self._sql[self._tokens[self._at].begin :])

    def _options(self) -> dict[str, Option]:
        """``name value`` or ``name = value``, separated by commas, up to the closing bracket."""
        found: dict[str, Option] = {}
        while not self._next(")"):
            name = self._name()
            self._next("=")
            value = self._value()
            if name is None or value is None:
                raise QueryRefused("options are name and value, separated by commas", hint=_HINT)
            found[name.lower()] = value
            self._next(",")
        return found

    def _value(self) -> Option | None:
        minus = self._next("-")
        token = self._take("string", "number", "word", "quoted")
        if token is None:
            return None
        if token.kind == "number" and token.text.replace("_", "").isdecimal():
            return int(token.text.replace("_", "")) * (-1 if minus else 1)
        text = _unquoted(token)
        return {"true": True, "false": False}.get(text.lower(), text)

    def _within(self) -> str:
        """The text up to the bracket that closes the one just read."""
        begin, depth = self._at, 1
        while self._at < len(self._tokens):
            text = self._tokens[self._at].text
            depth += (text == "(") - (text == ")")
            self._at += 1
            if depth == 0:
                last = self._tokens[self._at - 1].begin
                return self._sql[self._tokens[begin].begin : last]
        raise QueryRefused("a bracket is not closed", hint=_HINT)

    def _words(self, *words: str) -> bool:
        """Whether these come next; then they are passed."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if [token.text.upper() for token in ahead if token.kind == "word"] != list(words):
            return False
        self._at += len(words)
        return True

    def _next(self, text: str) -> bool:
        is_next = self._at < len(self._tokens) and self._tokens[self._at].text == text
        self._at += is_next
        return is_next

    def _take(self, *kinds: str) -> _Token | None:
        if self._at >= len(self._tokens) or self._tokens[self._at].kind not in kinds:
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def _string(self) -> str | None:
        token = self._take("string")
        return None if token is None else _unquoted(token)

    def _name(self) -> str | None:
        token = self._take("word", "quoted")
        return None if token is None else _unquoted(token)

    def _end(self) -> None:
        if self._at < len(self._tokens):
            raise QueryRefused(
                f"unexpected {self._tokens[self._at].text[:40]!r} at the end of the statement",
                hint=_HINT,
            )


def _unquoted(token: _Token) -> str:
    mark = {"string": "'", "quoted": '"'}.get(token.kind)
    return token.text[1:-1].replace(mark * 2, mark) if mark else token.text

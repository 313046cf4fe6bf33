"""The parser of the command line: near names, whole help, and refusals.

Refused are options where they do nothing, and a value that is given more than once.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from indexer.system.given_once import repeated
from indexer.system.program_name import as_typed, program_name
from indexer.system.spelling import nearest
from indexer.system.terminal_size import terminal_columns

EDITS_MAX = 2
_When = Callable[[argparse.Namespace], bool]
OPTIONS_OF_NO_COMMAND = ("once", "reindex", "accept_removals", "json", "strict")
"""What only the program without a command takes."""


class CommandParser(argparse.ArgumentParser):
    """Of the program and of each command. Errors end with exit 2 and the usage."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        super().__init__(*args, **options)
        self.register("action", "parsers", Commands)
        for name in (None, "store"):
            self.register("action", name, _OneValue)
        self._idle: list[tuple[tuple[str, ...], str, _When]] = []

    def add_commands(self) -> "Commands":
        """What commands are added to."""
        made = self.add_subparsers(title="commands", metavar="COMMAND", prog=self.prog)
        assert isinstance(made, Commands)  # noqa: S101 - registered above
        return made

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """All of them have to be known, by the parser of the command that they stand behind."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown[0])
        for option, said in repeated(_given(found)).items():
            self.error(f"argument {option}: {said}")
        for names, where, does_nothing in self._idle:
            if does_nothing(found):
                self.refuse_given(names, where, found)
        return found, unknown

    def add_idle(self, *names: str, where: str, when: "_When") -> None:
        """Options that do nothing where the others are so; there they are refused."""
        self._idle.append((names, where, when))

    def format_help(self) -> str:
        """With the settings that matter to the command, their defaults, and an example."""
        from indexer.cli.help_texts import TOPICS, settings_table  # noqa: PLC0415 - of help alone

        topic = TOPICS.get(self.prog.removeprefix(program_name()).strip())
        text = super().format_help()
        if topic is None:
            return text
        example = "".join(f"  {line}\n" for line in topic.examples)
        settings = settings_table(topic.settings)
        return text + as_typed(f"\nsettings:\n{settings}\nexample:\n{example}")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Raises OSError where argparse takes what cannot be written for written."""
        if message:
            (file or sys.stderr).write(message)

    def refuse_given(self, names: Iterable[str], where: str, options: argparse.Namespace) -> None:
        """End with exit 2 when one of the options is given where it does nothing."""
        for name in names:
            option = f"--{name.replace('_', '-')}"
            said = getattr(options, name, None) not in (None, False, self.get_default(name))
            if said or option in _given(options):
                self.error(f"{option} does nothing {where}")

    def _refuse(self, argument: str) -> NoReturn:
        if not argument.startswith("-"):
            self.error(f"unexpected argument {argument!r}")
        option = argument.partition("=")[0]
        self.error(f"unknown option {option!r}{_hint(option, self._option_string_actions)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        hint = _hint(str(value), choices) or f" (choose from {', '.join(choices)})"
        raise argparse.ArgumentError(action, f"unknown choice {value!r}{hint}")


class _OneValue(argparse._StoreAction):  # noqa: SLF001 - argparse has no public name for it
    """An option with one value, which notes that it is given. A flag says the same once more."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keep the value."""
        if option_string is not None:
            namespace.given = [*_given(namespace), self.option_strings[0]]
        super().__call__(parser, namespace, values, option_string)


def _given(found: argparse.Namespace) -> list[str]:
    """The options with one value, as often as they are given."""
    return getattr(found, "given", [])


class _Formatter(argparse.HelpFormatter):
    """As wide as the terminal. A parser makes one for each of its arguments."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{"width": terminal_columns() - 2, **options})


class _Parsers(dict[str, Any]):
    """By command: a parser, or what makes it once it is asked for."""

    def __getitem__(self, name: str) -> CommandParser:
        found = super().__getitem__(name)
        made: CommandParser = found if isinstance(found, CommandParser) else found()
        self[name] = made
        return made


class Commands(argparse._SubParsersAction):  # type: ignore[type-arg]  # noqa: SLF001 - argparse has no public name for it
    """The commands of a program. Its own options do nothing for one, and are refused before it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.choices = self._name_parser_map = _Parsers()

    def add(self, name: str, summary: str, define: Callable[[CommandParser], object]) -> None:
        """Add a command, whose parser ``define`` gives its arguments.

        Making the parsers of all commands takes longer than an answer, so each is made when it is
        asked for.
        """

        def make() -> CommandParser:
            parser = CommandParser(prog=f"{self._prog_prefix} {name}", description=summary)
            define(parser)
            return parser

        self._choices_actions.append(self._ChoicesPseudoAction(name, (), summary))
        self._name_parser_map[name] = make

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Refuse the program's own options, or hand on to the parser of the command."""
        if isinstance(parser, CommandParser) and values[0] in self.choices:
            where = f"before the command {values[0]}"
            parser.refuse_given(OPTIONS_OF_NO_COMMAND, where, namespace)
        before, namespace.given = _given(namespace), []
        super().__call__(parser, namespace, values, option_string)
        namespace.given = before + _given(namespace)


def _hint(name: str, names: Iterable[str]) -> str:
    near = nearest(name, names, EDITS_MAX)
    return f"; did you mean {near!r}?" if near else ""

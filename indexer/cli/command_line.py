"""The parser of the command line: near names, options refused where they do nothing, whole help."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn, TypeAlias

from indexer.cli.help_texts import TOPICS, settings_table
from indexer.cli.program_name import as_typed, program_name
from indexer.system.spelling import nearest

EDITS_MAX = 2
OPTIONS_OF_NO_COMMAND = ("once", "reindex", "accept_removals", "json", "strict")
"""What only the program without a command takes."""


class CommandParser(argparse.ArgumentParser):
    """Of the program and of each command. Errors end with exit 2 and the usage."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.register("action", "parsers", _Commands)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """All of them have to be known, by the parser of the command that they stand behind."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown[0])
        return found, unknown

    def format_help(self) -> str:
        """With the settings that matter to the command, their defaults, and an example."""
        topic = TOPICS.get(self.prog.removeprefix(program_name()).strip())
        text = super().format_help()
        if topic is None:
            return text
        example = "".join(f"  {line}\n" for line in topic.examples)
        settings = settings_table(topic.settings)
        return text + as_typed(f"\nsettings:\n{settings}\nexample:\n{example}")

    def refuse_given(self, names: Iterable[str], where: str, options: argparse.Namespace) -> None:
        """End with exit 2 when one of the options is given where it does nothing."""
        for name in names:
            if getattr(options, name, None):
                self.error(f"--{name.replace('_', '-')} does nothing {where}")

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


class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg]  # noqa: SLF001 - argparse has no public name for it
    """Options of the program itself do nothing for a command, and so are refused before one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if isinstance(parser, CommandParser) and values[0] in self.choices:
            where = f"before the command {values[0]}"
            parser.refuse_given(OPTIONS_OF_NO_COMMAND, where, namespace)
        super().__call__(parser, namespace, values, option_string)


def _hint(name: str, names: Iterable[str]) -> str:
    near = nearest(name, names, EDITS_MAX)
    return f"; did you mean {near!r}?" if near else ""


Commands: TypeAlias = "argparse._SubParsersAction[CommandParser]"  # noqa: SLF001 - as above
"""What the parser of each command is added to."""

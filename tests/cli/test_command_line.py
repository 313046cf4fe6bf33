"""The command line says what was meant, and refuses what would do nothing."""

import shlex

import pytest

from indexer.cli.command_line import CommandParser
from indexer.cli.main import command_parser, main
from indexer.settings.environment import variable_names


def refusal(capsys, *arguments):
    """What is said of wrong usage, which ends with exit 2."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["staus"], "unknown choice 'staus'; did you mean 'status'?"),
        (["fly"], "unknown choice 'fly' (choose from"),
        (["--onse"], "unknown option '--onse'; did you mean '--once'?"),
        (["sql", "SELECT 1", "--fromat=csv"], "'--fromat'; did you mean '--format'?"),
        (["sql", "SELECT 1", "--format", "cvs"], "unknown choice 'cvs'; did you mean 'csv'?"),
        (["status", "now"], "unexpected argument 'now'"),
        (["--json", "status"], "--json does nothing before the command status"),
        (["--strict", "up"], "--strict does nothing before the command up"),
        (["--once", "files"], "--once does nothing before the command files"),
        (["--strict"], "--strict does nothing without --once or --reindex"),
        (["--json"], "--json does nothing without --once or --reindex"),
        (["trace", "a1b2", "--json", "--limit", "3"], "--limit does nothing with --json"),
        (["trace", "a1b2", "--json", "--limit", "1000"], "--limit does nothing with --json"),
        (
            ["trace", "a1b2", "--summary", "--format", "otlp"],
            "--format does nothing with --summary",
        ),
        (["trace", "a1b2", "--json", "--format", "otlp"], "--json does nothing with --format"),
        (["sql", "SELECT 1", "--json", "--format", "csv"], "--json does nothing with --format"),
        (["sql", "SELECT 1", "--overwrite"], "--overwrite does nothing without --output"),
        (["export", "a1b2", "--kind", "server"], "--kind does nothing with a TRACE_ID"),
        (["export", "--json", "--format", "protobuf"], "does nothing with --format protobuf"),
    ],
    ids=" ".join,
)
def test_wrong_usage_names_what_was_meant_or_why_not(capsys, arguments, said):
    found = refusal(capsys, *arguments)
    assert said in found
    assert "usage: python -m indexer" in found


def parsers():
    parser = command_parser()
    (commands,) = (one.choices for one in parser._actions if isinstance(one.choices, dict))
    return {"": parser, **{name: commands[name] for name in commands}}


@pytest.mark.parametrize("name", parsers())
def test_the_help_of_each_command_has_a_sentence_settings_with_defaults_and_an_example(name):
    parser = parsers()[name]
    assert isinstance(parser, CommandParser)
    assert parser.description
    text = parser.format_help()
    settings, _, example = text.partition("\nsettings:\n")[2].partition("\nexample:\n")
    named = [line.split()[0] for line in settings.splitlines() if "default: " in line]
    assert set(named) <= set(variable_names().values())
    assert named or name == "settings"
    assert f"python -m indexer {name}".strip() in example


@pytest.mark.parametrize("name", parsers())
def test_an_option_with_one_value_is_refused_when_it_is_given_twice(capsys, name):
    """But for those of which each counts."""
    parser = parsers()[name]
    words = [name] if name else []
    words += ["1" for one in parser._get_positional_actions() if name and one.nargs in (None, "+")]
    options = [one for one in parser._get_optional_actions() if one.nargs != 0]
    needed = {one: [one.option_strings[0], "1"] for one in options if one.required}
    for option in options:
        (text,) = option.option_strings
        value = next(iter(option.choices or ["1"]))
        others = [word for one, given in needed.items() if one is not option for word in given]
        assert command_parser().parse_args([*words, *others, text, value])
        twice = [*words, *others, text, value, f"{text}={value}"]
        if text == "--attr":
            assert command_parser().parse_args(twice).attr == [value, value]
        else:
            said = refusal(capsys, *twice)
            assert f"argument {text}: given 2 times; it has one value" in said


def test_an_option_before_and_behind_the_command_is_given_twice(capsys):
    said = refusal(capsys, "--config", "a.toml", "status", "--config", "b.toml")
    assert "argument --config: given 2 times; it has one value" in said


def test_a_flag_says_the_same_when_it_is_given_twice():
    assert command_parser().parse_args(["status", "--json", "--json"]).json


def test_each_example_is_a_command_line_that_parses():
    for name, parser in parsers().items():
        line = parser.format_help().rpartition("\nexample:\n")[2].strip()
        words = shlex.split(line.partition("python -m indexer")[2])
        assert command_parser().parse_args(words).run, name


def test_a_settings_file_is_taken_before_or_behind_the_command():
    for words in (["--config", "a.toml", "status"], ["status", "--config", "a.toml"]):
        assert command_parser().parse_args(words).config == "a.toml"
    assert command_parser().parse_args(["status"]).config is None

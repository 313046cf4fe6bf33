"""Every refusal says what it is, whether waiting helps, and what to do next."""

import inspect
import re

import pytest

from indexer import errors
from indexer.errors import (
    FileError,
    IndexerError,
    InvalidSettings,
    PermanentError,
    TransientError,
)

BASES = {IndexerError, TransientError, PermanentError, FileError}
CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, IndexerError)
]
FACTS = [each for each in CLASSES if each not in BASES]


def drawn_tree():
    """{class name: name of the class it hangs from} of the drawing in the module's docstring."""
    above: list[tuple[int, str]] = []
    tree: dict[str, str | None] = {}
    for line in errors.__doc__.splitlines():
        if not (found := re.match(r"^    ([│ ]*(?:[├└]── )?)([A-Z]\w+)", line)):
            continue
        depth, name = len(found[1]), found[2]
        while above and above[-1][0] >= depth:
            above.pop()
        tree[name] = above[-1][1] if above else None
        above.append((depth, name))
    return tree


def test_the_drawn_tree_is_the_tree():
    real = {
        each.__name__: None if each is IndexerError else each.__base__.__name__ for each in CLASSES
    }
    assert drawn_tree() == real


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_every_fact_is_passing_or_permanent_and_not_both(fact):
    assert issubclass(fact, TransientError) != issubclass(fact, PermanentError)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_every_fact_has_a_next_step(fact):
    assert fact.hint.endswith(".")


@pytest.mark.parametrize("each", CLASSES, ids=lambda each: each.__name__)
def test_every_class_says_in_one_line_what_it_states(each):
    assert each.__doc__
    assert each.__doc__.splitlines()[0].endswith(".")


@pytest.mark.parametrize("each", CLASSES, ids=lambda each: each.__name__)
def test_every_error_ends_the_program_with_a_documented_code(each):
    assert each.exit_code in {1, 2}


def test_an_error_carries_its_message_path_and_advice():
    error = errors.FooterUnreadable("0 bytes", path="day/a.parquet")
    assert (str(error), error.message, error.path) == ("0 bytes", "0 bytes", "day/a.parquet")
    assert (error.error_type, error.advice) == ("FooterUnreadable", errors.FooterUnreadable.hint)


def test_a_hint_of_the_moment_replaces_the_usual_one():
    assert InvalidSettings("no", hint="Do that.").advice == "Do that."
    assert errors.CorruptPage("no", hint="").advice == ""


def test_a_caught_base_catches_what_it_names():
    """The pipeline refuses files by FileError and retries by TransientError."""
    names = {each.__name__ for each in CLASSES if issubclass(each, FileError)}
    below = {name for name, above in drawn_tree().items() if above == "FileError"}
    assert names == {"FileError", *below}

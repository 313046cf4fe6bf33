"""What docstrings promise about imports is so: modules that call themselves pure, and private errors.

Both can be read from the text of the modules, so that a promise cannot be made and forgotten.
"""

import ast
import re
import tomllib

from tests.contracts.test_tidy import MODULES, PROJECT, TEXTS, TREES, name

PURE = re.compile(r"\bPure(\.|:)")
NEVER_LEAVES = re.compile(r"Never leaves ``(\w+)``")


def module_of(path):
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def pure_modules():
    """Modules and packages of the import contract of that name."""
    options = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    contracts = options["tool"]["importlinter"]["contracts"]
    (pure,) = (one for one in contracts if one["name"].startswith("Pure modules"))
    return pure["source_modules"]


def private_errors():
    """(class, the room that it never leaves, the module that has it)."""
    return [
        (node.name, found[1], path)
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ClassDef)
        and (found := NEVER_LEAVES.search(ast.get_docstring(node) or ""))
    ]


def test_a_module_that_calls_itself_pure_is_checked_to_do_no_input_or_output():
    checked = pure_modules()
    claimed = [p for p in MODULES if PURE.search(ast.get_docstring(TREES[p]) or "")]
    assert len(claimed) > 20
    assert [
        module_of(path)
        for path in claimed
        if not any(f"{module_of(path)}.".startswith(f"{one}.") for one in checked)
    ] == []


def test_an_error_that_never_leaves_its_room_is_named_nowhere_else():
    errors = private_errors()
    assert len(errors) > 2
    assert [
        f"{name(path)}: {error}"
        for error, room, home in errors
        for path in MODULES
        if room not in path.relative_to(PROJECT).parts and path != home
        if re.search(rf"\b{error}\b", TEXTS[path])
    ] == []

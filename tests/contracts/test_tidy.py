"""What the project agreed on about its own text, where no linter asks for it.

A module that outgrows these has two reasons to change; a name that says nothing hides them.
Every test here lists what breaks the agreement, so that an empty list is the whole proof.
"""

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MODULES = sorted((PROJECT / "indexer").rglob("*.py"))
TESTS = sorted((PROJECT / "tests").rglob("*.py"))
TEXTS = {path: path.read_text() for path in (*MODULES, *TESTS)}
TREES = {path: ast.parse(text) for path, text in TEXTS.items()}
ROOMS = {path.parent.name for path in (PROJECT / "indexer").glob("*/__init__.py")}

MODULE_LINES_MAX = 420
FUNCTION_LINES_MAX = 70
NAMES_OF_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
LATER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
BY_COMMAND = "cli"
"""The room whose tests are not by module: they run whole commands, one test module a command."""


def name(path):
    return str(path.relative_to(PROJECT))


def functions(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(TREES[path]) if isinstance(node, kinds)]


def test_there_is_something_to_look_at():
    assert len(MODULES) > 30
    assert {"discover", "read", "catalog", "query"} <= ROOMS


def test_every_module_says_why_it_exists():
    silent = [p for p in TEXTS if TEXTS[p].strip() and not ast.get_docstring(TREES[p])]
    assert [name(path) for path in silent] == []


def test_no_module_is_longer_than_agreed():
    lengths = {name(path): len(text.splitlines()) for path, text in TEXTS.items()}
    assert {path: lines for path, lines in lengths.items() if lines > MODULE_LINES_MAX} == {}


def test_no_function_is_longer_than_agreed():
    lengths = {
        f"{name(path)}:{function.name}": function.end_lineno - function.lineno + 1
        for path in TEXTS
        for function in functions(path)
    }
    assert {where: lines for where, lines in lengths.items() if lines > FUNCTION_LINES_MAX} == {}


def test_nothing_is_left_for_later():
    assert [name(path) for path, text in TEXTS.items() if LATER.search(text)] == []


def test_nothing_is_printed_past_the_log_and_the_renderer():
    printed = [
        f"{name(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert printed == []


def test_every_name_says_what_is_inside():
    assert [
        name(path)
        for path in TEXTS
        if {path.stem, *path.relative_to(PROJECT).parts} & NAMES_OF_NOTHING
    ] == []


def test_every_test_of_a_room_mirrors_a_module_of_it():
    """``test_module.py``, or ``test_module_aspect.py`` where one would be too long."""
    homeless = []
    for path in TESTS:
        folder, about = path.parent.relative_to(PROJECT / "tests"), path.stem.removeprefix("test_")
        if about == path.stem or not set(folder.parts[:1]) & (ROOMS - {BY_COMMAND}):
            continue
        modules = [module.stem for module in (PROJECT / "indexer" / folder).rglob("*.py")]
        if not any(about == module or about.startswith(f"{module}_") for module in modules):
            homeless.append(name(path))
    assert homeless == []


def test_every_test_beside_the_rooms_mirrors_a_module_beside_them():
    modules = [path.stem for path in (PROJECT / "indexer").glob("*.py")]
    abouts = {
        path: path.stem.removeprefix("test_") for path in (PROJECT / "tests").glob("test_*.py")
    }
    assert [
        name(path)
        for path, about in abouts.items()
        if not any(about == module or about.startswith(f"{module}_") for module in modules)
    ] == []


def test_no_lock_file_names_a_host_or_a_path_of_the_machine_that_made_it():
    locks = sorted((PROJECT / "requirements").glob("*.txt"))
    assert len(locks) >= 4
    told = [
        f"{name(lock)}:{number}: {line.strip()}"
        for lock in locks
        for number, line in enumerate(lock.read_text().splitlines(), 1)
        if "://" in line or re.search(r"[( ]/\w", line)
    ]
    assert told == []

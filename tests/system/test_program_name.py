"""Usage, examples, settings and hints name the program as it was started."""

import sys

import pytest

from indexer.cli.main import main
from indexer.system import program_name as module


@pytest.mark.parametrize(
    ("started", "name", "other"),
    [
        ("/opt/venv/bin/span-indexer", "span-indexer", "python -m indexer"),
        ("C:/venv/Scripts/span-indexer.exe", "span-indexer", "python -m indexer"),
        ("/opt/indexer/__main__.py", "python -m indexer", "span-indexer"),
    ],
)
def test_the_program_has_the_name_that_was_typed(
    monkeypatch, capsys, tmp_path, started, name, other
):
    monkeypatch.setattr(sys, "argv", [started])
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path / "index.duckdb"))
    with pytest.raises(SystemExit):
        main(["trace", "--help"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: {name} trace ")
    assert f"\n  {name} trace " in shown
    assert f": {name} settings\n" in shown
    with pytest.raises(SystemExit):
        main(["trase"])
    assert main(["status"]) == 2
    said = capsys.readouterr().err
    assert f"{name}: error: " in said
    assert f"`{name}`" in said
    assert other not in shown + said


def test_a_part_has_the_name_of_the_whole(monkeypatch, capsys, tmp_path):
    """``up`` starts its parts as modules, whatever it was started as."""
    monkeypatch.setattr(sys, "argv", ["/opt/indexer/__main__.py"])
    monkeypatch.setattr("indexer.cli.main.stop_with_input", lambda: None)
    monkeypatch.setattr(module, "_names", list(module._names))
    monkeypatch.setenv("JUNJO_DUCKDB_PATH", str(tmp_path))
    assert main(["--part-of", "span-indexer"]) == 2
    assert "`span-indexer settings`" in capsys.readouterr().err
    assert module.as_typed("see `python -m indexer`") == "see `span-indexer`"

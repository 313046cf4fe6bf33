"""Usage, examples, settings and hints name the program as it was started."""

import sys

import pytest

from indexer.cli.main import main


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

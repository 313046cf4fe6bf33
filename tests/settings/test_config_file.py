"""A TOML file says what variables say, below them, and a wrong line of it is named."""

import os

import pytest

from indexer.errors import InvalidSettings
from indexer.settings import load_settings
from indexer.settings.variables import OWN_PREFIX, SHARED_PREFIXES


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Writes a settings file, and takes every setting out of the environment."""
    for name in list(os.environ):
        if name.startswith((OWN_PREFIX, *SHARED_PREFIXES)):
            monkeypatch.delenv(name)

    def write(text):
        path = tmp_path / "span-indexer.toml"
        path.write_text(text)
        return path

    return write


def test_settings_stand_by_their_names_or_in_tables(config):
    settings = load_settings(
        config(
            "FLUSH_MAX_ROWS = 5\nindexer_watch = false\n"
            '[ingestion]\notlp_http_listen = "127.0.0.1:9"\nretention-max-age = "7d"\n'
            '[indexer]\npromoted_attributes = ["a", "b.c"]\nsettle_seconds = 0.5\n'
        )
    )
    assert (settings.flush_rows, settings.watch) == (5, False)
    assert (settings.otlp_http_listen, settings.retention_age_s) == ("127.0.0.1:9", 604_800)
    assert (settings.promoted_keys, settings.settle_s) == (("a", "b.c"), 0.5)


def test_the_environment_goes_before_the_file(config, monkeypatch):
    monkeypatch.setenv("FLUSH_MAX_ROWS", "7")
    assert load_settings(config("FLUSH_MAX_ROWS = 5")).flush_rows == 7


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FLUSH_MAX_ROW = 5", "did you mean FLUSH_MAX_ROWS"),
        ("FLUSH_MIN_ROWS = 5", "FLUSH_MIN_ROWS is not a known setting"),
        ("[other]\nname = 1", "OTHER_NAME is not a known setting"),
        ("FLUSH_MAX_ROWS = 5\n[flush]\nmax_rows = 6", "FLUSH_MAX_ROWS is set twice"),
        ("FLUSH_MAX_ROWS = 1979-05-27", "FLUSH_MAX_ROWS cannot be a date"),
        ("FLUSH_MAX_ROWS = 0", "FLUSH_MAX_ROWS='0'"),
        ("FLUSH_MAX_ROWS = ", "is not TOML"),
        ("#" * (1 << 20) + "#", "is larger than"),
        ('JUNJO_DUCKDB_PATH = "a\\u0000b"', "JUNJO_DUCKDB_PATH"),
    ],
)
def test_what_cannot_be_is_refused_by_name(config, text, said):
    with pytest.raises(InvalidSettings, match=said) as refusal:
        load_settings(config(text))
    assert refusal.value.advice


def test_a_value_that_cannot_be_is_said_to_be_of_the_file_or_not(config, monkeypatch):
    path = config("FLUSH_MAX_ROWS = 0")
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(path)
    assert refusal.value.message.startswith(f"{path}: FLUSH_MAX_ROWS='0': expected ")
    monkeypatch.setenv("FLUSH_MAX_ROWS", "0")
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(path)
    assert refusal.value.message.startswith("FLUSH_MAX_ROWS='0'")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(InvalidSettings, match=f"cannot read the settings file {path}"):
            load_settings(path)

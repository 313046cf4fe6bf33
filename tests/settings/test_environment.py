"""Settings are checked at the door: one clear line that names the variable, and exit code 2.

A typing error in an environment variable must not become a worker that quietly does another
thing than its operator believes.
"""

import os
from pathlib import Path

import pytest

from indexer.errors import InvalidSettings
from indexer.settings import Settings, load_settings
from indexer.settings.variables import OWN_PREFIX, SHARED_PREFIXES

NAMES = {name: one.variable for name, one in Settings.fields.items()}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith((OWN_PREFIX, *SHARED_PREFIXES)):
            monkeypatch.delenv(name)


def loaded(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def refused(monkeypatch, **variables):
    """The one line that an operator gets, after the error's exit code has been checked."""
    with pytest.raises(InvalidSettings) as refusal:
        loaded(monkeypatch, **variables)
    assert refusal.value.exit_code == 2
    assert "\n" not in refusal.value.message
    return refusal.value.message


def test_without_any_variable_the_documented_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.storage_root == str(tmp_path / ".dbdata" / "spans")
    assert settings.catalog_pointer == tmp_path / ".dbdata" / "duckdb" / "index.duckdb"
    assert (settings.poll_interval_s, settings.settle_s) == (30, 10)
    assert (settings.watch, settings.log_format, settings.log_level) == (True, "auto", "info")


@pytest.mark.parametrize("field", sorted(NAMES))
def test_every_default_would_be_accepted_from_the_environment(monkeypatch, field):
    given = loaded(monkeypatch, **{NAMES[field]: Settings.fields[field].default_text})
    assert given.value_of(field) == load_settings().value_of(field)


@pytest.mark.parametrize("field", sorted(NAMES))
def test_every_setting_is_described_and_named_for_the_outside(field):
    assert Settings.fields[field].meaning.endswith(".")
    assert NAMES[field].startswith(("INDEXER_", "INGESTION_", "JUNJO_", "FLUSH_", "SPAN_"))


def test_paths_come_from_the_names_that_compose_files_use(monkeypatch, tmp_path):
    settings = loaded(
        monkeypatch,
        JUNJO_SPAN_STORAGE_PATH=str(tmp_path / "spans"),
        JUNJO_DUCKDB_PATH=str(tmp_path / "index.duckdb"),
    )
    assert settings.storage_root == str(tmp_path / "spans")
    assert settings.catalog_pointer == tmp_path / "index.duckdb"


def test_a_relative_path_is_of_the_folder_the_program_was_started_in(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = loaded(monkeypatch, JUNJO_SPAN_STORAGE_PATH="a/../spans", JUNJO_DUCKDB_PATH="x.db")
    assert settings.storage_root == str(tmp_path / "spans")
    assert settings.catalog_pointer == tmp_path / "x.db"


def test_a_link_in_a_path_stays_as_it_was_written(monkeypatch, tmp_path):
    """Another process finds the catalog by the same name."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    settings = loaded(monkeypatch, JUNJO_DUCKDB_PATH=str(tmp_path / "link" / "x.db"))
    assert settings.catalog_pointer == tmp_path / "link" / "x.db"


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("INDEXER_POLL_INTERVAL", "5", "3600"),
        ("INDEXER_BATCH_SIZE", "1", "10000"),
        ("INDEXER_BATCH_SPANS", "1", "20000000"),
        ("INDEXER_SETTLE_SECONDS", "0.1", "3600"),
        ("INDEXER_READER_THREADS", "1", "64"),
        ("INDEXER_THREADS", "1", "256"),
        ("INDEXER_FILE_ROWS_MAX", "1", "2147483647"),
        ("INDEXER_OPERATIONS_MAX", "1", "1000000"),
    ],
)
def test_a_number_is_accepted_up_to_its_bounds_and_no_further(monkeypatch, name, lowest, highest):
    (field,) = [field for field, alias in NAMES.items() if alias == name]
    for bound in (lowest, highest):
        assert getattr(loaded(monkeypatch, **{name: bound}), field) == float(bound)
    for beyond in (float(lowest) - 1, float(highest) + 1):
        assert name in refused(
            monkeypatch, **{name: f"{beyond:g}" if beyond < 1e6 else f"{beyond:.0f}"}
        )


@pytest.mark.parametrize(
    "value", ["", "abc", "nan", "inf", "-1", "30 x", "1hs", "s", "0x1E", "1h" * 40]
)
def test_what_is_no_number_of_seconds_is_refused(monkeypatch, value):
    assert refused(monkeypatch, INDEXER_POLL_INTERVAL=value).startswith("INDEXER_POLL_INTERVAL=")


@pytest.mark.parametrize("value", ["1.5", "", "two", "1e3000"])
def test_what_is_no_whole_number_is_refused(monkeypatch, value):
    assert refused(monkeypatch, INDEXER_BATCH_SIZE=value).startswith("INDEXER_BATCH_SIZE=")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MiB", 64 << 20),
        ("1GiB", 1 << 30),
        ("1.5GiB", 3 << 29),
        ("2 gib", 2 << 30),
        ("1TiB", 1 << 40),
        ("67108864", 64 << 20),
        ("67108864B", 64 << 20),
        ("65536KiB", 64 << 20),
        ("65536Ki", 64 << 20),
        ("512Mi", 512 << 20),
        ("10GiB", 10 << 30),
        ("1GB", 10**9),
        ("100mb", 10**8),
        ("1G", 10**9),
    ],
)
def test_a_size_is_understood_with_its_unit(monkeypatch, text, size):
    assert loaded(monkeypatch, INDEXER_MEMORY_LIMIT=text).memory_limit == f"{size}B"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GiB",
        "1 PiB",
        "1iB",
        "64 M iB",
        "63MiB",
        "0",
        "-1GiB",
        "much",
        "1GiB2",
        "1,5GiB",
        "nan",
        "infB",
        "inf",
        "1e999GiB",
    ],
)
def test_what_is_no_size_or_too_small_is_refused(monkeypatch, text):
    assert refused(monkeypatch, INDEXER_MEMORY_LIMIT=text).startswith("INDEXER_MEMORY_LIMIT=")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INDEXER_WATCH", "perhaps"),
        ("INDEXER_LOG_FORMAT", "xml"),
        ("INDEXER_LOG_LEVEL", "loud"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(monkeypatch, name, value):
    assert refused(monkeypatch, **{name: value}).startswith(f"{name}='{value}'")


SECONDS = sorted(name for name in NAMES if isinstance(Settings().value_of(name), float))
SIZES = sorted(name for name in NAMES if "BYTES" in NAMES[name] or "MEMORY" in NAMES[name])
CHOICES = {
    "INDEXER_LOG_LEVEL": "WARNING",
    "INDEXER_LOG_FORMAT": "Json",
    "INGESTION_WAL_SYNCHRONOUS": "normal",
    "INDEXER_WATCH": "FALSE",
    "INDEXER_JUNJO_SIGN_IN": "TRUE",
    "INDEXER_HTTP_ALLOW_OPEN": "Yes-Without-A-Token",
    "INGESTION_OTLP_ALLOW_OPEN": "YES-WITHOUT-A-TOKEN",
    "INGESTION_GRPC_ALLOW_OPEN": "yes-without-a-Token",
    "INGESTION_HTTP_ALLOW_OPEN": "Yes-without-a-token",
}


@pytest.mark.parametrize("field", SECONDS)
def test_every_time_takes_a_duration_with_its_unit(monkeypatch, field):
    given = loaded(monkeypatch, **{NAMES[field]: "10s"})
    assert (
        getattr(given, field) == getattr(loaded(monkeypatch, **{NAMES[field]: "10"}), field) == 10
    )


def test_a_duration_has_units_from_milliseconds_to_weeks(monkeypatch):
    for text, seconds in (("1500ms", 1.5), ("1h30m", 5400), ("7d", 604_800), ("2W", 1_209_600)):
        given = loaded(monkeypatch, INGESTION_RETENTION_MAX_AGE=text)
        assert given.retention_age_s == seconds


@pytest.mark.parametrize("field", SIZES)
def test_every_size_takes_a_unit(monkeypatch, field):
    beside = {"INDEXER_ANSWERS_BYTES_MAX": "4GB", "INGESTION_BODIES_BYTES_MAX": "10GB"}
    given = loaded(monkeypatch, **{**beside, NAMES[field]: "0.6GB"})
    assert str(getattr(given, field)).removesuffix("B") == "600000000"


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_understood_in_any_case(monkeypatch, name):
    (field,) = [field for field, alias in NAMES.items() if alias == name]
    found = getattr(loaded(monkeypatch, **{name: CHOICES[name]}), field)
    assert str(found).casefold() == CHOICES[name].casefold()


def test_every_choice_of_the_settings_is_tried_above():
    assert set(CHOICES) == {one.variable for one in Settings.fields.values() if one.kind.options}


@pytest.mark.parametrize(
    "name",
    [
        "JUNJO_DUCKDB_PATH",
        "JUNJO_SPAN_STORAGE_PATH",
        "INGESTION_WAL_PATH",
        "INGESTION_POLLER_STATE_PATH",
    ],
)
def test_an_empty_path_is_refused(monkeypatch, name):
    for text in ("", " "):
        assert refused(monkeypatch, **{name: text}).startswith(f"{name}={text!r}: expected a path")


@pytest.mark.parametrize(
    ("text", "on"), [("true", True), ("1", True), ("false", False), ("0", False)]
)
def test_watching_is_switched_by_the_usual_words(monkeypatch, text, on):
    assert loaded(monkeypatch, INDEXER_WATCH=text).watch is on


def test_an_unknown_variable_is_named_with_the_three_nearest_and_where_all_are(monkeypatch):
    monkeypatch.setenv("INDEXER_THREAD_COUNT", "30")
    known = "INDEXER_THREAD_COUNT is not a known setting"
    with pytest.raises(InvalidSettings, match=known) as refusal:
        load_settings()
    assert refusal.value.exit_code == 2
    assert "INDEXER_THREADS" in refusal.value.advice
    assert sum(name in refusal.value.advice.split(";")[0] for name in NAMES.values()) == 3
    assert "python -m indexer settings" in refusal.value.advice


def test_an_unknown_variable_is_refused_even_if_it_is_empty(monkeypatch):
    assert "INDEXER_X" in refused(monkeypatch, INDEXER_X="")


def test_variables_of_other_programs_do_not_matter(monkeypatch):
    assert loaded(monkeypatch, JUNJO_HOST_DB_DATA_PATH="/x", indexer_poll_interval="1") == (
        load_settings()
    )


def test_settings_do_not_change_while_the_program_runs():
    with pytest.raises(AttributeError, match="frozen"):
        load_settings().threads = 3


def test_a_refused_setting_says_what_to_do_next(monkeypatch):
    monkeypatch.setenv("INDEXER_THREADS", "0")
    with pytest.raises(InvalidSettings) as refusal:
        load_settings()
    assert refusal.value.advice


def test_settings_may_be_given_by_the_program_itself():
    assert load_settings(JUNJO_DUCKDB_PATH=Path("x.db")).catalog_path == Path("x.db")


@pytest.mark.parametrize(
    ("text", "file", "folder"),
    [("0640", 0o640, 0o750), ("600", 0o600, 0o700), ("0644", 0o644, 0o755), ("0664", 0o664, 0o755)],
)
def test_the_mode_of_shared_files_lets_their_readers_into_the_folders(
    monkeypatch, text, file, folder
):
    modes = loaded(monkeypatch, INDEXER_SHARED_FILE_MODE=text).file_modes
    assert (modes.file, modes.folder & 0o755) == (file, folder)


@pytest.mark.parametrize("text", ["", "0x1a", "0666", "0777", "0440", "8", "rw-r-----", "99999"])
def test_a_mode_that_is_none_or_lets_everybody_write_is_refused(monkeypatch, text):
    assert "INDEXER_SHARED_FILE_MODE" in refused(monkeypatch, INDEXER_SHARED_FILE_MODE=text)

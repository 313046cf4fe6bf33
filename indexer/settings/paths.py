"""Every path of the settings, tried by whoever is going to use it before anything rests on it."""

from pathlib import Path

from indexer.settings.environment import Settings
from indexer.system.usable_paths import (
    check_file,
    check_folder,
    check_listed_folder,
    check_readable_file,
)

_CATALOG = "JUNJO_DUCKDB_PATH"
_SPANS = "JUNJO_SPAN_STORAGE_PATH"


def check_worker_paths(settings: Settings) -> None:
    """The catalog with what stands beside it, and the storage. Raises InvalidSettings."""
    check_listed_folder(_SPANS, Path(settings.storage_root))
    check_file(
        _CATALOG,
        settings.catalog_pointer,
        settings.file_modes,
        files_beside=(".lock", ".sock"),
        folders_beside=(".d", ".snapshots"),
    )
    if settings.mastra_path:
        store = Path(settings.mastra_path).absolute()
        check_file("INDEXER_MASTRA_PATH", store, settings.file_modes, files_beside=(".wal",))


def check_reader_paths(settings: Settings) -> None:
    """The catalog as commands read it. Raises InvalidSettings."""
    check_readable_file(_CATALOG, settings.catalog_pointer)


def check_ingestion_paths(settings: Settings) -> None:
    """The log, and the folder that files are written to. Raises InvalidSettings."""
    _check_span_folder(settings)
    path = Path(settings.wal_path).absolute()
    check_file("INGESTION_WAL_PATH", path, settings.file_modes, files_beside=(".lock", ".changes"))


def check_poller_paths(settings: Settings) -> None:
    """The poller's key, and the folder that files are written to. Raises InvalidSettings."""
    _check_span_folder(settings)
    path = Path(settings.poller_state_path).absolute()
    check_file("INGESTION_POLLER_STATE_PATH", path, settings.file_modes)


def _check_span_folder(settings: Settings) -> None:
    setting = "SPAN_STORAGE_PATH" if settings.span_storage_path else _SPANS
    check_folder(setting, Path(settings.ingestion_root), settings.file_modes)

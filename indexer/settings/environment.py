"""The settings of this process, from its environment and a file, checked as a whole."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidSettings
from indexer.settings.answering import AnsweringSettings
from indexer.settings.indexing import IndexingSettings
from indexer.settings.mastra import MastraSettings
from indexer.settings.receiving import ReceivingSettings
from indexer.settings.supervising import SupervisingSettings
from indexer.settings.values import parse_bytes
from indexer.settings.variables import read_variables
from indexer.system.budget import SMALL_SHARE
from indexer.system.permissions import FileModes
from indexer.system.tokens import check_token

ENVIRONMENT = "environment"


class Settings(
    ReceivingSettings, AnsweringSettings, MastraSettings, SupervisingSettings, IndexingSettings
):
    """The names are those that Junjo's compose files use, and INDEXER_* for the rest."""

    @property
    def storage_root(self) -> str:
        """Absolute path of the span storage."""
        return os.path.abspath(self.storage_path)

    @property
    def ingestion_root(self) -> str:
        """Absolute path of the folder that the embedded ingestion writes to."""
        return os.path.abspath(self.span_storage_path or self.storage_path)

    @property
    def promoted_keys(self) -> tuple[str, ...]:
        """Keys of the promoted attributes."""
        return tuple(key for key in self.promoted_attributes.split(",") if key)

    @property
    def file_modes(self) -> FileModes:
        """Modes of what others may read."""
        return FileModes.of(int(self.shared_file_mode, 8))

    def bytes_of(self, name: str) -> int:
        """The field of that name, a size, as a number of bytes."""
        return parse_bytes(str(getattr(self, name)))

    @property
    def catalog_pointer(self) -> Path:
        """Absolute path of the link to the catalog."""
        return Path(os.path.abspath(self.catalog_path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What somebody has set, before it is checked."""

    values: Mapping[str, Any]
    """By variable."""
    sources: Mapping[str, str]
    """Where each value is from: ``environment``, or the path of the file."""
    ignored: tuple[str, ...]
    """Variables with a prefix of ours that are not settings."""


def variable_names() -> dict[str, str]:
    """Field -> variable, of every setting."""
    return {name: one.variable for name, one in Settings.fields.items()}


def read_given(config: str | Path | None = None) -> Given:
    """The values of the environment, and below them those of the file.

    Raises InvalidSettings for a misspelt name, and for a file that cannot be read.
    """
    known = variable_names().values()
    environment = read_variables(os.environ, known)
    file = {} if config is None else _read_config(Path(config), known)
    sources = dict.fromkeys(file, str(config)) | dict.fromkeys(environment.given, ENVIRONMENT)
    return Given(values={**file, **environment.given}, sources=sources, ignored=environment.ignored)


def _read_config(path: Path, known: Iterable[str]) -> dict[str, str]:
    from indexer.settings.config_file import read_config  # noqa: PLC0415 - most have no such file

    return read_config(path, known)


def load_settings(config: str | Path | None = None, **overrides: Any) -> Settings:
    """The settings of this process. Raises InvalidSettings with one line naming the variable.

    An override stands by its variable, before what the environment says.
    """
    given = read_given(config)
    return check_given({**given.values, **overrides}, given.sources)


def check_given(
    values: Mapping[str, Any], sources: Mapping[str, str] = MappingProxyType({})
) -> Settings:
    """The settings that values by variable make. Raises InvalidSettings as above.

    A value that is refused is said to be of its source, where that is a file.
    """
    try:
        return _checked(Settings.read(values))
    except InvalidSettings as error:
        source = sources.get(error.message.partition("=")[0], ENVIRONMENT)
        if source == ENVIRONMENT:
            raise
        raise InvalidSettings(f"{source}: {error.message}", hint=error.advice) from error


def _checked(settings: Settings) -> Settings:
    """What no field can tell of itself."""
    one, all_of_them = settings.bytes_of("answer_bytes_max"), settings.bytes_of("answers_bytes_max")
    if one > all_of_them - all_of_them // SMALL_SHARE:
        raise InvalidSettings(
            "INDEXER_ANSWERS_BYTES_MAX is too small for one answer of INDEXER_ANSWER_BYTES_MAX: "
            f"1/{SMALL_SHARE} of it is reserved for small answers",
            hint="Raise the first, or lower the second.",
        )
    for name in ("http_token", "api_key", "internal_token", "ingestion_http_token"):
        check_token(Settings.fields[name].variable, getattr(settings, name).get_secret_value())
    reserved = settings.otlp_grpc_threads * settings.bytes_of("body_bytes_max")
    left = settings.bytes_of("bodies_bytes_max") - (reserved if settings.otlp_grpc_listen else 0)
    for_large = left - left // SMALL_SHARE
    if settings.otlp_http_listen and for_large < settings.bytes_of("body_bytes_max"):
        raise InvalidSettings(
            "INGESTION_BODIES_BYTES_MAX is too small: it has to hold one body over HTTP beside "
            f"{settings.otlp_grpc_threads} over gRPC, of INGESTION_BODY_BYTES_MAX each",
            hint="Raise it, or lower INGESTION_GRPC_THREADS or INGESTION_BODY_BYTES_MAX.",
        )
    return settings

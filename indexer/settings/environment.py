"""The settings of this process, read from its environment and checked as a whole."""

import os
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError

from indexer.errors import InvalidSettings
from indexer.settings.answering import AnsweringSettings
from indexer.settings.indexing import IndexingSettings
from indexer.settings.receiving import ReceivingSettings
from indexer.settings.supervising import SupervisingSettings
from indexer.settings.values import parse_bytes
from indexer.system.budget import SMALL_SHARE
from indexer.system.permissions import FileModes
from indexer.system.tokens import check_token

_PREFIX = "INDEXER_"


class Settings(ReceivingSettings, AnsweringSettings, SupervisingSettings, IndexingSettings):
    """The names are those that Junjo's compose files use, and INDEXER_* for the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_default=True)

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


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises InvalidSettings with one line naming the variable."""
    known = {str(item.validation_alias) for item in Settings.model_fields.values()}
    unknown = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known)
    if unknown:
        raise InvalidSettings(
            f"{unknown[0]} is not a known setting",
            hint=f"Known ones: {', '.join(sorted(n for n in known if n.startswith(_PREFIX)))}.",
        )
    try:
        return _checked(Settings.model_validate({**os.environ, **overrides}))
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0]
        raise InvalidSettings(f"{name}={first['input']!r}: {first['msg']}") from None


def _checked(settings: Settings) -> Settings:
    """What no field can tell of itself."""
    one, all_of_them = settings.bytes_of("answer_bytes_max"), settings.bytes_of("answers_bytes_max")
    if one > all_of_them - all_of_them // SMALL_SHARE:
        raise InvalidSettings(
            "INDEXER_ANSWERS_BYTES_MAX is too small for one answer of INDEXER_ANSWER_BYTES_MAX: "
            f"1/{SMALL_SHARE} of it is reserved for small answers",
            hint="Raise the first, or lower the second.",
        )
    for name in ("http_token", "api_key", "internal_token"):
        alias = str(Settings.model_fields[name].validation_alias)
        check_token(alias, getattr(settings, name).get_secret_value())
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

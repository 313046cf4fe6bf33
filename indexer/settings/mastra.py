"""The Mastra store: whether there is one, and how much it keeps."""

from typing import Annotated

from pydantic import Field

from indexer.settings.part import SettingsPart
from indexer.settings.values import Seconds, byte_size


class MastraSettings(SettingsPart):
    """Of traces that Mastra applications publish."""

    mastra_path: str = Field(
        "",
        validation_alias="INDEXER_MASTRA_PATH",
        description="DuckDB file of the store for traces of Mastra applications, made when there "
        "is none; empty: off. Nothing else holds what is in it: back it up.",
    )
    mastra_memory_limit: Annotated[str, byte_size("64MiB")] = Field(
        "512MiB",
        validation_alias="INDEXER_MASTRA_MEMORY_LIMIT",
        description="Memory that DuckDB may use for the Mastra store.",
    )
    mastra_max_age_s: Seconds = Field(
        30 * 86_400,
        ge=1,
        le=36_500 * 86_400,
        validation_alias="INDEXER_MASTRA_MAX_AGE",
        description="Seconds that the Mastra store keeps a trace after its last change, and other "
        "signals after they came.",
    )
    mastra_bytes_max: Annotated[str, byte_size("16MiB")] = Field(
        "10GiB",
        validation_alias="INDEXER_MASTRA_BYTES_MAX",
        description="Size of the spans in the Mastra store; above it, the oldest traces are "
        "deleted.",
    )
    mastra_signals_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "1GiB",
        validation_alias="INDEXER_MASTRA_SIGNALS_BYTES_MAX",
        description="Size of other signals in the Mastra store (logs, metrics, scores, feedback); "
        "above it, the oldest are deleted.",
    )

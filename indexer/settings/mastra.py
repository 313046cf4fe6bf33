"""The Mastra store: whether there is one, and how much it keeps."""

from indexer.settings.kinds import TEXT, byte_size, seconds
from indexer.settings.setting import Setting, SettingsPart


class MastraSettings(SettingsPart):
    """Of traces that Mastra applications publish."""

    mastra_path = Setting(
        "INDEXER_MASTRA_PATH",
        "",
        TEXT,
        "DuckDB file of the store for traces of Mastra applications, made when there is none; "
        "empty: off. Nothing else holds what is in it: back it up.",
    )
    mastra_memory_limit = Setting(
        "INDEXER_MASTRA_MEMORY_LIMIT",
        "512MiB",
        byte_size("64MiB"),
        "Memory that DuckDB may use for the Mastra store.",
    )
    mastra_max_age_s = Setting(
        "INDEXER_MASTRA_MAX_AGE",
        30 * 86_400,
        seconds(1, 36_500 * 86_400),
        "Seconds that the Mastra store keeps a trace after its last change, and other signals "
        "after they came.",
    )
    mastra_bytes_max = Setting(
        "INDEXER_MASTRA_BYTES_MAX",
        "10GiB",
        byte_size("16MiB"),
        "Size of the spans in the Mastra store; above it, the oldest traces are deleted.",
    )
    mastra_signals_bytes_max = Setting(
        "INDEXER_MASTRA_SIGNALS_BYTES_MAX",
        "1GiB",
        byte_size("1MiB"),
        "Size of other signals in the Mastra store (logs, metrics, scores, feedback); above it, "
        "the oldest are deleted.",
    )

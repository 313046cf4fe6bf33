"""When the worker counts as stuck, how long a stop may take, and how it measures its freshness."""

from indexer.settings.kinds import seconds
from indexer.settings.setting import Setting, SettingsPart


class SupervisingSettings(SettingsPart):
    """Bounds in time for the worker's own work."""

    stalled_after_s = Setting(
        "INDEXER_STALLED_AFTER",
        120,
        seconds(1, 3600),
        "Seconds that one step of the index thread may take; after that the worker is not ready "
        "and answers are incomplete. Listing a million files takes 20.",
    )
    stop_timeout_s = Setting(
        "INDEXER_STOP_TIMEOUT",
        8,
        seconds(1, 600),
        "Seconds that a stop may take; after that the process ends without waiting for its "
        "threads. Docker kills after 10.",
    )
    canary_interval_s = Setting(
        "INDEXER_CANARY_INTERVAL",
        0,
        seconds(0, 3600),
        "Seconds between canary spans, which `up` sends to its own OTLP over HTTP and asks for "
        "until it finds them; `/metrics` has the quantiles. Each stays in the store, as service "
        "`span-indexer-canary`: 86,400 a day at 1. 0: none.",
    )

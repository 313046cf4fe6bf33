"""When the worker counts as stuck, and how long a stop may take."""

from pydantic import Field

from indexer.settings.part import SettingsPart
from indexer.settings.values import Seconds


class SupervisingSettings(SettingsPart):
    """Bounds in time for the worker's own work."""

    stalled_after_s: Seconds = Field(
        120,
        ge=1,
        le=3600,
        validation_alias="INDEXER_STALLED_AFTER",
        description="Seconds that one step of the index thread may take; after that the worker is "
        "not ready and answers are incomplete. Listing a million files takes 20.",
    )
    stop_timeout_s: Seconds = Field(
        8,
        ge=1,
        le=600,
        validation_alias="INDEXER_STOP_TIMEOUT",
        description="Seconds that a stop may take; after that the process ends without waiting for "
        "its threads. Docker kills after 10.",
    )

"""Every log event of the embedded ingestion."""

import logging

from indexer.telemetry.log import Event

SPANS_FLUSHED = Event("spans.flushed", logging.INFO, "Logged requests became a Parquet file.")
FLUSH_FAILED = Event("flush.failed", logging.ERROR, "A flush did not happen; it is tried again.")
REQUEST_REFUSED = Event(
    "request.refused",
    logging.ERROR,
    "An acknowledged request does not decode, or kills the process that writes files; its bytes "
    "are kept in a file beside the log.",
)
WRITER_DIED = Event(
    "writer.died", logging.WARNING, "The process that writes files died and is replaced."
)
INTERNAL_CALL_FAILED = Event(
    "internal_call.failed", logging.ERROR, "A call of the internal service failed."
)
KEEPING_FAILED = Event(
    "keeping.failed",
    logging.ERROR,
    "Flushed files were not looked after, so that none expired; it is tried again.",
)
FILES_GONE = Event(
    "files.gone",
    logging.WARNING,
    "Flushed files were removed or renamed before a worker had confirmed them; their listing ends.",
)
UNCONFIRMED_FILES_REMOVED = Event(
    "unconfirmed_files.removed",
    logging.WARNING,
    "Retention deleted files that no worker had confirmed within INGESTION_UNCONFIRMED_MAX_AGE.",
)
EXPIRED_FILES_REMOVED = Event(
    "expired_files.removed", logging.INFO, "Retention deleted files of spans."
)

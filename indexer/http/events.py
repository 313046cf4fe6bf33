"""Log events of the edge: what strangers do is counted, and said once a minute."""

import logging

from indexer.telemetry.log import Event

NOT_HTTP = Event(
    "http.not_http", logging.INFO, "Connections sent what is not HTTP/1.1; counted, once a minute."
)
ACCEPT_FAILED = Event(
    "http.accept_failed",
    logging.WARNING,
    "The system has no descriptor for a connection; counted, once a minute.",
)
REFUSED_FOR_NOW = Event(
    "http.refused_for_now",
    logging.WARNING,
    "Requests were refused for a state that passes (503) or took too long (504); counted, once a "
    "minute.",
)
CONNECTION_REFUSED = Event(
    "http.connection_refused",
    logging.WARNING,
    "All connections of a port are being answered; counted, once a minute.",
)

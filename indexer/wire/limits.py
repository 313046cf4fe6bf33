"""How much one call of the internal protocol may carry, said once for both ends."""

SPANS_DEFAULT = 100
"""Of a ReadSpans that names no number."""
SPANS_MAX = 10_000
"""Of one ReadSpans: what Junjo's services answer at most; a megabyte, or ten."""
MESSAGE_BODY_BYTES = 4 * 1024 * 1024 - 256 * 1024
"""Bodies of one ReadHot message."""
MESSAGE_REQUESTS = 1_000
"""With 1,000 keys a message stays below 4 MiB, gRPC's default limit, unless one body is larger."""
CALL_BYTES_MAX = 4 << 20
"""What the service takes as one request: a list of paths at most."""
ANSWER_BYTES_MAX = 64 << 20
"""What a client takes as one message of an answer: one body may be as large as a sender's."""
REQUEST_BYTES_MAX = 1024 * 1024
"""What a client sends as one request: a key and a name, or ``CONFIRMED_PATHS``."""
RECENT_FILES_MAX = 1_000
"""Files that one state names, the newest: a worker asks the file system about each of them. Once
they are confirmed, the next state names older ones."""
CONFIRMED_PATHS = 200
"""Sent in one ConfirmFiles: the longest that Linux has, 4,096 bytes each, fit into a request."""
CONFIRMED_PATHS_MAX = 10_000
"""Taken in one ConfirmFiles: a day of files at 10,000 spans/s."""

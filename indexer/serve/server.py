"""A uvicorn server inside a process that handles signals itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class EmbeddedServer(uvicorn.Server):
    """Ends when ``should_exit`` is set, and not by a signal."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's handlers as they are."""
        yield

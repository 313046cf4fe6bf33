"""``python -m indexer``, and ``span-indexer``."""

import sys
from typing import NoReturn

from indexer.system.interpreter import collect_rarely, leave_garbage
from indexer.system.standard_output import have_standard_streams
from indexer.system.stop_signals import ignore_stop_signals, interrupt_on_stop_signals


def run() -> NoReturn:
    """Run the command of this process and end it."""
    have_standard_streams()
    interrupt_on_stop_signals()
    collect_rarely()
    try:
        from indexer.cli.main import main  # noqa: PLC0415 - Ctrl-C may come while it is loaded

        code = main()
    except KeyboardInterrupt:
        code = 1
    ignore_stop_signals()
    leave_garbage()
    sys.exit(code)


if __name__ == "__main__":
    run()

"""``python -m indexer``, and ``span-indexer``."""

import sys
from typing import NoReturn

from indexer.cli.main import main
from indexer.system.stop_signals import ignore_stop_signals


def run() -> NoReturn:
    """Run the command of this process and end it."""
    code = main()
    ignore_stop_signals()
    sys.exit(code)


if __name__ == "__main__":
    run()

"""Draw what a command prints as the picture of the README: ``make reference``.

The text is that of a real run over the span files of tests/data, asked of a running worker; a test
asks again and compares. What it took in milliseconds differs from run to run, and is that of the
run which was drawn.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from xml.etree import ElementTree as ET

CHECKOUT = Path(__file__).parents[1]
FILE = Path(__file__).with_name("trace.svg")
SPANS = CHECKOUT / "tests" / "data" / "junjo-spans"
COMMAND = ("trace", "aa5d535caf2a06c3a9a92e0abb95e49a")
PROMPT = "$ python -m indexer "

FONT_SIZE, COLUMN_WIDTH, LINE_HEIGHT, MARGIN = 14, 8.4, 20, 20
GROUND, PLAIN, FAINT, BAR = "#16191f", "#d8dee9", "#8b95a5", "#5fb3a1"
"""Of a terminal with its own ground, so that the page around it may be light or dark."""
_BARS = re.compile("(█+)")


def picture(lines: Sequence[str]) -> str:
    """The lines as SVG, each as wide as its columns whatever font is there."""
    width = 2 * MARGIN + round(max(map(len, lines)) * COLUMN_WIDTH)
    height = 2 * MARGIN + len(lines) * LINE_HEIGHT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{FONT_SIZE}">'
    )
    ground = f'<rect width="{width}" height="{height}" rx="8" fill="{GROUND}"/>'
    drawn = [_line(number, text, len(lines)) for number, text in enumerate(lines)]
    return "\n".join([head, ground, *drawn, "</svg>"]) + "\n"


def text_of(drawn: str) -> list[str]:
    """The lines that a picture shows."""
    name = "{http://www.w3.org/2000/svg}text"
    return ["".join(one.itertext()) for one in ET.fromstring(drawn).iter(name)]  # noqa: S314 - ours


def printed() -> list[str]:
    """The command and what it prints about the files, once a worker has indexed them."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "JUNJO_SPAN_STORAGE_PATH": str(SPANS),
            "JUNJO_DUCKDB_PATH": str(Path(folder, "index.duckdb")),
            "INDEXER_HTTP_LISTEN": "",
            "PYTHONIOENCODING": "utf-8",
        }
        with subprocess.Popen(  # noqa: S603 - this program
            _program(), cwd=CHECKOUT, env=environment
        ) as worker:
            try:
                while _asked(environment, "status", "--check").returncode:
                    time.sleep(0.1)
                for _ in range(3):  # the first answer opens what the others find open
                    said = _asked(environment, *COMMAND)
            finally:
                worker.terminate()
    return [PROMPT + " ".join(COMMAND), *said.stdout.splitlines()]


def main() -> None:
    """Write the file."""
    FILE.write_text(picture(printed()), encoding="utf-8")


def _program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "indexer", *arguments]


def _asked(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - this program
        _program(*arguments),
        check=False,
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )


def _line(number: int, text: str, lines: int) -> str:
    """One line; the words around a trace are fainter than the trace."""
    text = text.rstrip()
    colour = FAINT if number in (1, lines - 1) else PLAIN
    baseline = MARGIN + number * LINE_HEIGHT + FONT_SIZE
    parts = "".join(
        f'<tspan fill="{BAR}">{part}</tspan>' if part.startswith("█") else escape(part)
        for part in _BARS.split(text)
    )
    return (
        f'<text x="{MARGIN}" y="{baseline}" fill="{colour}" xml:space="preserve" '
        f'textLength="{len(text) * COLUMN_WIDTH:.1f}">{parts}</text>'
    )


if __name__ == "__main__":
    main()

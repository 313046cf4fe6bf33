"""``make bench-peers``: the same files, the same questions, the same run, beside other tools.

Two tables. The first is time: to take files in, and for each question once they are. The second is
what each makes of a copied file, a link, a flipped byte, a file that is gone and one that is half
written. Every contestant runs in a process of its own; one whose package is absent is named.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmark.corpus import corpus
from tests.benchmark.layout import SERVICE_NAMES, Shape, trace_ids
from tests.benchmark.plan import OUTPUT
from tests.peers.contestants import CONTESTANTS, IN_MICROSECONDS, NAMED, copied, emptied
from tests.support.span_files import spans, write

SHAPE = Shape(files=500, spans=2_000)
QUESTIONS = 8
TIMEOUT_S = 900
CASES = ("as it is", "a copy", "a link", "a flipped byte", "a vanished file", "a half-written file")
SPANS_A_FILE = 10
"""Of the two files that the second table is about."""


def main() -> None:
    """Run every contestant and print both tables."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(_run(sys.argv[1])) + "\n")
        return
    results = {name: _in_process(name) for name in CONTESTANTS}
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "peers.json").write_text(json.dumps(results, indent=1))
    _print(results)
    if any("failed" in found for found in results.values()):
        raise SystemExit(1)


def _in_process(name: str) -> dict[str, Any]:
    sys.stderr.write(f"{name} ...\n")
    done = subprocess.run(
        [sys.executable, "-m", "tests.peers", name],
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1]
        return {"absent" if last.startswith("ModuleNotFoundError") else "failed": last}
    answer: dict[str, Any] = json.loads(done.stdout.decode().splitlines()[-1])
    return answer


def _run(name: str) -> dict[str, Any]:
    made = corpus(OUTPUT / "corpora", SHAPE)
    made.warm()
    with tempfile.TemporaryDirectory(dir=OUTPUT) as folder:
        files = [str(path) for path in made.paths]
        if name in IN_MICROSECONDS:
            files = copied(files, emptied(Path(folder) / "copies"))
        return {**_times(name, files, Path(folder)), "cases": cases(name, Path(folder))}


def _times(name: str, files: list[str], folder: Path) -> dict[str, Any]:
    contestant = CONTESTANTS[name]()
    started = time.perf_counter()
    contestant.take(files, emptied(folder / "work"))
    taken = time.perf_counter() - started
    step = SHAPE.files // QUESTIONS
    traces = [trace_ids(SHAPE, number * step)[3] for number in range(QUESTIONS)]
    services = [SERVICE_NAMES[number % len(SERVICE_NAMES)] for number in range(QUESTIONS)]
    timed = {
        "trace_ms": _median_ms(contestant.trace, traces),
        "roots_ms": _median_ms(contestant.roots, services),
        "services_ms": _median_ms(lambda _: contestant.services(), traces),
    }
    counted = sum(count for _, count in contestant.services())
    return {"files_per_second": SHAPE.files / taken, **timed, "spans": counted}


def _median_ms(ask: Callable[[str], Any], questions: list[str]) -> float:
    ask(questions[0])
    taken = []
    for question in questions:
        started = time.perf_counter()
        found = ask(question)
        taken.append((time.perf_counter() - started) * 1e3)
        assert found, f"no answer to {question}"
    return statistics.median(taken)


def cases(name: str, folder: Path) -> dict[str, str]:
    return {case: _case(name, case, folder) for case in CASES}


def _case(name: str, case: str, folder: Path) -> str:
    """What the contestant says of two files of ten spans when this has happened to them."""
    root = emptied(folder / "case")
    options = {"compression": "none", "use_dictionary": False}
    first = write(root / "a.parquet", spans(SPANS_A_FILE, trace=1), **options)
    second = write(root / "b.parquet", spans(SPANS_A_FILE, trace=2), **options)
    if name in IN_MICROSECONDS:
        files = copied([str(first), str(second)], emptied(folder / "case-copies"), codec="none")
        first, second = Path(files[0]), Path(files[1])
        root = first.parent
    if case == "a copy":
        (root / "c.parquet").write_bytes(first.read_bytes())
    elif case == "a link":
        (root / "c.parquet").symlink_to(first)
    elif case == "a flipped byte":
        _flip(second)
    elif case == "a half-written file":
        whole = first.read_bytes()
        (root / "c.parquet").write_bytes(whole[: len(whole) // 2])
    try:
        contestant = CONTESTANTS[name]()
        files = [str(path) for path in sorted(root.glob("*.parquet"))]
        contestant.take(files, emptied(folder / "case-work"))
        if case == "a vanished file":
            second.unlink()
        ((count, named),) = contestant.total()
    except Exception as error:
        text = " ".join(str(error).replace(str(folder), "").split())
        return f"answers nothing: {type(error).__name__}: {text[:60]}"
    refused = getattr(contestant, "refused", int)()
    said = f"{count} spans" if count == named else f"{count} spans, {count - named} misnamed"
    return f"{said}, {refused} file refused by name" if refused else said


def _flip(path: Path) -> None:
    """One bit of the name of one span, where the names stand one after the other."""
    name = NAMED.encode()
    stored = len(name).to_bytes(4, "little") + name
    content = bytearray(path.read_bytes())
    at = bytes(content).index(stored * 2)
    content[at + len(stored) - 1] ^= 0x10
    path.write_bytes(content)


def _print(results: dict[str, dict[str, Any]]) -> None:
    write_line = sys.stdout.write
    write_line(f"\n{SHAPE.files} files x {SHAPE.spans:,} spans, medians of {QUESTIONS}\n\n")
    write_line(
        "| | files/s taken in | trace ms | roots ms | services ms | spans |\n|---|---|---|---|---|---|\n"
    )
    for name, found in results.items():
        missing = [f"{how}: {found[how]}" for how in ("absent", "failed") if how in found]
        if missing:
            write_line(f"| {name} | {missing[0]} | | | | |\n")
            continue
        cells = [
            f"{found[key]:,.1f}"
            for key in ("files_per_second", "trace_ms", "roots_ms", "services_ms")
        ]
        write_line(f"| {name} | {' | '.join(cells)} | {found['spans']:,} |\n")
    write_line(
        "\nTwo files of ten spans:\n\n| | "
        + " | ".join(CASES)
        + " |\n|"
        + "---|" * (len(CASES) + 1)
        + "\n"
    )
    for name, found in results.items():
        if "cases" in found:
            write_line(f"| {name} | {' | '.join(found['cases'][case] for case in CASES)} |\n")


if __name__ == "__main__":
    os.environ.setdefault("POLARS_MAX_THREADS", "2")
    main()

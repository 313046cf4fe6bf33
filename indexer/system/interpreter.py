"""How the threads of a process share the interpreter, and what it need not look for, and when."""

import gc
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

SWITCH_S = 0.0001
"""How long one thread keeps the interpreter from another. A request changes threads a dozen times,
and a file that is indexed comes back to it after a hundred calls; at Python's own 5 ms either waits
that long each time. Measured beside questions without a pause, a file of 500 spans: 103 ms at half
a millisecond, 94 at a tenth, and the questions take the same."""

USUALLY = gc.get_threshold()
RARELY = (100_000, 50, 100)
"""What is loaded is not garbage, and values that stages hand over form no cycles. Measured: a tenth
of what a search of a small index takes, and 13 % of the indexing of 5,000 small files."""


def collect_rarely() -> None:
    """Look for garbage after many more objects than Python does."""
    gc.set_threshold(*RARELY)


def collect_as_usual() -> None:
    """For a process that stays, once it is loaded."""
    gc.set_threshold(*USUALLY)


def leave_garbage() -> None:
    """For the end of a process, whose memory goes back to the system whole.

    DuckDB 2 would report each object of its module that is not collected.
    """
    duckdb = sys.modules.get("duckdb")
    if duckdb is None or duckdb.__version__.startswith("1."):
        gc.freeze()


def answer_beside_work() -> None:
    """Let threads that answer interrupt those that work; for the start of a server's process."""
    sys.setswitchinterval(SWITCH_S)


class _Absent:
    """Finds some modules absent, at once and installed or not."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for all others. Raises ModuleNotFoundError."""
        if name in UNUSED:
            raise ModuleNotFoundError(f"{name} is not used by this process", name=name)
        return None


UNUSED = frozenset(
    {"dateutil", "pandas", "pydantic.v1"}
    | {f"pyarrow._{store}fs" for store in ("azure", "gc", "hd", "s3")}
)


def leave_unused_modules_out() -> None:
    """Have them absent in this process, for the start of one of this program's own.

    Arrow looks for dateutil each time that it is given a value of Python without a type, and DuckDB
    for pandas with each parameter: in all folders of modules, 40 to 100 µs, some dozen times an
    answer. Installed, they would take their memory. So does Pydantic's first version, which FastAPI
    loads to refuse its models, and what Arrow reads from stores of objects.
    """
    if not any(isinstance(one, _Absent) for one in sys.meta_path):
        sys.meta_path.insert(0, _Absent())


def leave_algebra_threads_out() -> None:
    """Have numpy start none, for this process and its children, before they load it.

    By itself it starts one for each core, for matrices that nobody here multiplies. They wait for
    work without giving up the core: half of the time that loading it takes (measured on two cores:
    135 ms, and 74). What the environment says holds.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

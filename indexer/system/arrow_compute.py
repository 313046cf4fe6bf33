"""Arrow's kernels, loaded with the first that is used.

Loading them writes the documentation of some hundred functions, which takes longer than a search of
a small index.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    import pyarrow.compute  # noqa: PLC0415 - what this module is for

    kernel = globals()[name] = getattr(pyarrow.compute, name)
    return kernel

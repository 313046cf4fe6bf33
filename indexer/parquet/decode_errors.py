"""Map what pyarrow raises to errors of this program, in one place.

DuckDB and others return wrong sums from a file with a flipped byte; pyarrow with
``page_checksum_verification`` refuses it. Files that carry page checksums are verified on every
read; files that carry none are still refused when a page does not decode.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from indexer.errors import (
    CorruptPage,
    EncodingUnsupported,
    FileError,
    FileTooLarge,
    FileUnreadable,
    IndexerError,
)

_UNSUPPORTED = "Not yet implemented"
"""How pyarrow says NotImplemented where it says it as an OSError."""


@contextmanager
def decoding(relative_path: str, *, refusal: type[FileError] = CorruptPage) -> Iterator[None]:
    """Run pyarrow code on a file; whatever it raises leaves as FileError or FileUnreadable."""
    try:
        yield
    except IndexerError:
        raise
    except (pa.ArrowMemoryError, MemoryError) as error:
        raise FileTooLarge(
            f"decoding needs too much memory: {error}", path=relative_path
        ) from error
    except OSError as error:
        if error.errno is not None:
            raise FileUnreadable(f"cannot read: {error.strerror}", path=relative_path) from error
        if str(error).startswith(_UNSUPPORTED):
            raise EncodingUnsupported(_first_line(error), path=relative_path) from error
        raise refusal(_first_line(error), path=relative_path) from error
    except pa.ArrowNotImplementedError as error:
        raise EncodingUnsupported(_first_line(error), path=relative_path) from error
    except (pa.ArrowException, ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise refusal(_first_line(error), path=relative_path) from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:500] if lines else type(error).__name__

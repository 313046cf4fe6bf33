"""What one SELECT does not cover of the index: files beyond its views, payload, late attributes."""

from collections.abc import Iterator

from indexer.query.missing import ATTRIBUTES_PENDING, FILES_NOT_READ, Missing
from indexer.query.sql_scope import Coverage
from indexer.system.counted_nouns import counted


def not_covered(coverage: Coverage | None, files_behind: int) -> Iterator[Missing]:
    """``files_behind`` have not given a promoted attribute that the SQL reads."""
    if files_behind:
        detail = f"span_attributes lacks some attributes of {counted(files_behind, 'file')}"
        yield Missing(reason=ATTRIBUTES_PENDING, detail=detail, files=files_behind)
    if coverage is None:
        return
    if coverage.files < coverage.matching:
        verb = "covers" if len(coverage.views) == 1 else "cover"
        views = f"{' and '.join(coverage.views)} {verb}"
        detail = f"{views} the newest {coverage.files:,} of {coverage.matching:,} files"
        beyond = coverage.matching - coverage.files
        yield Missing(reason=FILES_NOT_READ, detail=detail, files=beyond)
    yield from coverage.missing

"""What is wrong with a query, by Mastra's codes: all of it at once, each with its place."""

from collections.abc import Sequence

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidMastraCall
from indexer.mastra import error_ids

ISSUES_MAX = 100
"""Of one answer: as many as a query may have predicates."""


@dataclass(frozen=True, slots=True)
class CallIssue:
    """One thing that is wrong with a query, and where in it."""

    code: str
    path: tuple[str | int, ...]
    message: str


def refusal(issues: Sequence[CallIssue]) -> InvalidMastraCall:
    """The error of a query with issues; its message names the first."""
    first = issues[0]
    where = ".".join(map(str, first.path))
    error = InvalidMastraCall(
        f"invalid {where or 'query'}: {first.message}", error_id=error_ids.QUERY_INVALID
    )
    error.issues = tuple(issues[:ISSUES_MAX])
    return error

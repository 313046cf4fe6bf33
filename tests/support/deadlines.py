"""What tests ask of a deadline: whether the question has been told to end."""

from indexer.errors import QueryCancelled, QueryTimedOut
from indexer.query.deadline import Deadline


def is_over(deadline: Deadline) -> bool:
    try:
        deadline.check()
    except (QueryCancelled, QueryTimedOut):
        return True
    return False

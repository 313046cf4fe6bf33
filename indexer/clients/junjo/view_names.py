"""Which views Junjo has in a session of SQL, for statements that may name none of them."""

from collections.abc import Collection

from indexer.clients.junjo.event_names import SET_STATE
from indexer.query.sql_scope import SqlViews


def _statements(names: Collection[str]) -> list[str]:
    from indexer.clients.junjo.sql_views import junjo_views  # noqa: PLC0415 - once one is named

    return junjo_views(names)


VIEWS = SqlViews(
    names=("spans", "state_patches"),
    statements=_statements,
    events={"state_patches": SET_STATE},
)

"""The SQL views of every dialect of clients, for the sessions of ``sql`` and of the library."""

from indexer.clients.junjo.view_names import VIEWS as JUNJO_VIEWS
from indexer.query.sql_scope import SqlViews

DIALECT_VIEWS: tuple[SqlViews, ...] = (JUNJO_VIEWS,)
"""A new one is a module of its dialect's room and a name here."""

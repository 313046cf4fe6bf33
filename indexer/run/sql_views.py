"""The SQL views of every dialect of clients, for the sessions of ``sql`` and of the library."""

from indexer.clients.junjo.sql_views import VIEWS as JUNJO_VIEWS
from indexer.query.views import SqlViews

DIALECT_VIEWS: tuple[SqlViews, ...] = (JUNJO_VIEWS,)
"""A new one is a module of its dialect's room and a name here."""

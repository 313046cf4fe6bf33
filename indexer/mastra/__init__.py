"""Spans of Mastra applications: one row a span, created and updated, in a database of its own.

It is a source of truth, unlike the catalog: nothing else holds what is in it. Reading and writing
are a library that needs no worker; ``store`` has its face.
"""

"""How long a text of a question may be, on every door; without what serves the routes."""

TEXT_CHARS_MAX = 1_024
"""Of a service name, an attribute or an ID: far longer than any."""

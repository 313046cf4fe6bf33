"""How long each kind of request may take, for those who answer and for those who wait."""

QUESTION_S = 30.0
"""As long as people and proxies wait for a page."""
PROBE_S = 5.0
"""As long as probes wait."""
ACTION_S = 600.0
"""A snapshot of a large catalog, or a sweep of a large backlog."""

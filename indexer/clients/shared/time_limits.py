"""How long each kind of request may take, for those who answer and for those who wait."""

QUESTION_S = 30.0
"""As long as people and proxies wait for a page."""
PROBE_S = 5.0
"""As long as probes wait."""
HEARTBEAT_S = 15.0
"""Of a stream in which nothing happens, to be told that it is alive: proxies close what is silent
for a minute."""
ACTION_S = 600.0
"""A snapshot of a large catalog, or a sweep of a large backlog."""

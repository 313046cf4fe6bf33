"""What spans of Junjo's telemetry contract 2 prove of workflows, agents, their states and calls."""

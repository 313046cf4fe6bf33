"""What this program says of itself: log events, metrics, traces, and what libraries log."""

"""What operators and local commands ask: health, status, metrics, files, a sweep, a snapshot."""

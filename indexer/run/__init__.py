"""The composers: each long-running process, its ports, and the memory that its parts may take."""

"""What asks the operating system, once for all rooms.

Data files, addresses, permissions, tokens, budgets, clock, retries.
"""

"""What the index costs and what it saves, measured against DuckDB alone on the same files.

Every number is measured in one run on one machine, and every ratio compares two things that took
turns in that run: a ratio survives another machine, a number of seconds does not.
"""

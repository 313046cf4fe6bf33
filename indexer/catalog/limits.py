"""How much the catalog holds of one file, and how many promoted attributes it has."""

OPERATIONS_MAX = 1000
"""Distinct (service, span name, kind) listed per file; more are counted, not listed."""
KEYS_MAX = 31
"""Promoted attributes: one bit each in ``trace_files.attribute_flags``, whose last bit is
``LLM_FLAG``."""

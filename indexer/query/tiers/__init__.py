"""TIERS: where spans are. Files of the index, files that it does not have yet, hot ones in no file.

Each tier gives the same two answers (see ``tier``), and nothing of an answer tells by its values
which of them a span is from.
"""

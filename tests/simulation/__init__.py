"""Whole histories from one seed: disk, hints, clocks and crashes, and the invariants at the end."""

"""Junjo's REST API: its routes, its bodies, and the shape of its spans."""

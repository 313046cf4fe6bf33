"""WHAT is in a file: one Arrow batch of metadata columns, or a typed refusal.

Payload columns (attributes, events) are never decoded here; they stay in the file.
"""

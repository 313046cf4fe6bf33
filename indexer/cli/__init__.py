"""The way in for people."""

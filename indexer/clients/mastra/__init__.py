"""Mastra's clients: what its platform exporter sends, and what client-js asks."""

"""Other ways to ask the same files the same questions, measured beside the index."""

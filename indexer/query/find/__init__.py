"""FIND: which spans a question is about, and by what they are found; no payload is read here."""

"""ANSWER: the index names the files, and exactly those are read.

``answers`` is the face. ``find`` says which spans a question is about, ``tiers`` where they are,
``stages`` how they become an answer; ``span``, ``answer``, ``missing`` and ``cost`` are its values.
No function here is ever given more files than the index names for the question, and every answer
says what it could not read.
"""

"""ANSWER: the index names the files, and exactly those are read.

No function here is ever given more files than the index names for the question, and every
answer says what it could not read.
"""

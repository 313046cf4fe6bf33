"""WHICH files exist, and which of them are new, changed, gone or not finished yet.

This stage never sees the catalog: it is given what is known. A listing is the truth about a
folder; a hint from the file system only says where to look.
"""

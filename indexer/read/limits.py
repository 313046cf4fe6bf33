"""How large one file, and one text of it in the index, may be."""

FILE_ROWS_MAX = 20_000_000
"""Default row limit of a file: about 5 GB of working memory at 250 bytes a row."""
TEXT_BYTES_MAX = 4096
"""A service or span name beyond this is cut in the index; answers with payload have names whole."""

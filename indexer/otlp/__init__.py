"""OTLP without a transport: bytes of export requests in, messages and span rows out.

No module here does input or output. What may be sent is ``requests``, what is kept of it is
``spans``; both say what they refuse and what they lose.
"""

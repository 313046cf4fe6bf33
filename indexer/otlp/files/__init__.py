"""Files of OTLP as messages: compression, framing and format are found by what the bytes are.

Reading is sequential and in bounded portions, so a file may be larger than memory.
"""

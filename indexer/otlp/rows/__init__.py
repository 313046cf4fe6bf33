"""OTLP messages of all signals as rows with typed columns: what ``read_otlp`` and its kin answer.

Pure: messages in, Arrow batches out.
"""

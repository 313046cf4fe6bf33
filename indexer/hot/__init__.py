"""HOT: spans that are not yet in a registered file, asked of the ingestion service over gRPC.

``source`` is the one port; behind it a service of any generation answers in the way that it can.
What a server sends is untrusted: paths, sizes, keys and bytes are checked before they are used.
"""

"""The internal protocol between ingestion and worker: words that both ends import from here.

``schemas/proto`` has the messages, ``generated`` their stubs; ``calls`` asks, and the room that
answers is the ingestion. What a server sends is untrusted: ``paths`` says which may be opened.
"""

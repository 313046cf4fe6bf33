"""The HTTP application and the Unix socket that local commands reach a running worker on."""

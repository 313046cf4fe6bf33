"""The name under which a call of the internal protocol carries its token."""

TOKEN_METADATA = "x-junjo-internal-token"  # noqa: S105 - the name of the metadata, not a token
"""As Junjo's protocol names it; required when the service has a token."""

"""Tokens of every port: how long they have to be, and how they are compared."""

from indexer.errors import InvalidSettings

TOKEN_CHARS_MIN = 16
"""16 random letters and digits are 95 bits; a shorter secret is a word that can be guessed."""
_GENERATE = "Generate one: openssl rand -hex 32"


def check_token(setting: str, token: str) -> str:
    """The token, or "" for none. Raises InvalidSettings for one that is blank, short or unsendable.

    A header carries printable ASCII without spaces at its ends (RFC 9110 5.5), so nothing else
    could ever be sent back.
    """
    if not token:
        return ""
    if not token.strip():
        raise InvalidSettings(f"{setting} is blank", hint=f"Unset it for no token. {_GENERATE}")
    if not (token.isascii() and token.isprintable() and token == token.strip()):
        raise InvalidSettings(
            f"{setting} has characters that an HTTP header cannot carry, or surrounding spaces",
            hint=_GENERATE,
        )
    if len(token) < TOKEN_CHARS_MIN:
        raise InvalidSettings(
            f"{setting} has {len(token)} characters, expected {TOKEN_CHARS_MIN} or more",
            hint=_GENERATE,
        )
    return token


def is_equal(expected: str | None, given: str | bytes | None) -> bool:
    """Whether the token is the expected one, in a time that does not depend on where they differ.

    Nothing is expected where ``expected`` is None or empty.
    """
    if not expected:
        return True
    sent = given if isinstance(given, bytes) else (given or "").encode("utf-8", "surrogateescape")
    import hmac  # noqa: PLC0415 - it loads OpenSSL, and commands check no token

    return hmac.compare_digest(expected.encode(), sent)


def bearer(header: str | bytes | None) -> str | None:
    """The token of an ``Authorization`` header (RFC 6750), or None for another scheme."""
    text = header.decode("latin-1") if isinstance(header, bytes) else header or ""
    scheme, _, token = text.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None

r"""Text from spans and files as a terminal may have it: every character that commands is escaped.

Names are data, and a terminal obeys them: colours, titles, line breaks and the order of letters.
The rule stands here once, for commands and for logs. Escaped are the control characters (C0, DEL,
C1), line and paragraph separators, lone surrogates and the format characters of Unicode, which
hide text or turn it around. U+200C and U+200D are left: words and emoji are written with them.
"""

import re

_COMMANDING = (
    "\x00-\x1f\x7f-\x9f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b"
    "\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
    "\ud800-\udfff"
)
"""General categories Cc, Zl, Zp, Cs and Cf (Unicode 16) but for the two joiners, as a class."""

_NAMES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_UNSAFE = re.compile(rf"[{_COMMANDING}]|\\(?=[nrtuxU\\{_COMMANDING}])")
_UNSAFE_IN_JSON = re.compile(f"[{_COMMANDING}]")
_BMP_LAST, _LATIN_LAST = 0xFFFF, 0xFF


def escape_text(text: str) -> str:
    r"""One line that no terminal acts on: ``\x1b``, ``\n``, ``\u202e`` for what it would act on.

    Two texts never become the same: a backslash is doubled where it would read as one of these,
    and only there, so that paths and JSON stay as they are.
    """
    return _UNSAFE.sub(lambda found: _escape(found[0]), text)


def escape_lines(text: str) -> str:
    """Text that has lines of its own, as a traceback: each escaped, all but the first indented.

    No line but the first begins where a line of this program begins.
    """
    return "\n  ".join(escape_text(line) for line in text.split("\n"))


def escape_json(text: str) -> str:
    r"""The same JSON value in text that no terminal acts on.

    ``text`` is JSON whose strings have their C0 characters escaped, as every encoder does it.
    The others are written as JSON's own ``\u`` escapes, and line breaks between values stay.
    """
    return _UNSAFE_IN_JSON.sub(lambda found: _escape_in_json(found[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if character == "\\":
        return r"\\"
    if character in _NAMES:
        return _NAMES[character]
    if code <= _LATIN_LAST:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _BMP_LAST else f"\\U{code:08x}"


def _escape_in_json(character: str) -> str:
    if character == "\n":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

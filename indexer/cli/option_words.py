"""The options of a search as its words, checked: of a search over the catalog, or of a refusal."""

import argparse
from typing import TypeVar

from pydantic import ValidationError

from indexer.clients.shared.search_words import UrlWords
from indexer.errors import QueryRefused

W = TypeVar("W", bound=UrlWords)


def given_words(kind: type[W], options: argparse.Namespace) -> W:
    """The words that the options give. Raises QueryRefused with the one that cannot be."""
    given = {name: getattr(options, name, None) for name in kind.model_fields}
    try:
        return kind.model_validate({name: one for name, one in given.items() if one is not None})
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        is_length = first["type"] == "string_pattern_mismatch"
        expected = "expected a length such as 20ms or 1.5s" if is_length else first["msg"]
        raise QueryRefused(
            f"invalid {option} {first['input']!r}: {expected}",
            hint="See the command with --help.",
        ) from None

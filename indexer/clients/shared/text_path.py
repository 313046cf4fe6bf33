"""Names in paths as they are: a service may be called anything, a line break included."""

from starlette.convertors import Convertor, register_url_convertor


class TextConvertor(Convertor[str]):
    r"""Any text; the ``path`` of Starlette ends at ``\n``."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """As it stands."""
        return value

    def to_string(self, value: str) -> str:
        """As it stands."""
        return value


def register() -> None:
    """Make ``{name:text}`` known to routes."""
    register_url_convertor("text", TextConvertor())

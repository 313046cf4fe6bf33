"""The forms in which a trace is given: this program's JSON, OTLP's, Jaeger's, Markdown. Pure."""

from collections.abc import Callable, Mapping
from typing import Literal

from indexer.clients.shared.answer_json import answer_text
from indexer.clients.shared.jaeger_shape import jaeger_json
from indexer.clients.shared.json_text import as_json
from indexer.clients.shared.markdown_shape import NO_SPANS, markdown
from indexer.clients.shared.otlp_shape import otlp_json
from indexer.query.answer import SpansAnswer

Format = Literal["json", "otlp", "jaeger", "markdown"]
JSON_TYPE = "application/json"
MEDIA_TYPES: Mapping[Format, str] = {
    "json": JSON_TYPE,
    "otlp": JSON_TYPE,
    "jaeger": JSON_TYPE,
    "markdown": "text/markdown; charset=utf-8",
}


def has_spans(form: Format, body: bytes) -> bool:
    """Whether an encoded trace has any: text in JSON has no bare quotes that could look so."""
    if form == "markdown":
        return not body.partition(b"\n\n")[2].startswith(NO_SPANS.encode())
    empty = {"json": b'"spans":[]', "otlp": b'"resourceSpans":[]', "jaeger": b'"data":[]'}
    return empty[form] not in body


def encode_trace(answer: SpansAnswer, form: Format) -> bytes:
    """The trace in that form. Only the first says in its body what the answer lacks."""
    return _ENCODERS[form](answer)


def _otlp(answer: SpansAnswer) -> bytes:
    return as_json(otlp_json(answer.spans))


def _jaeger(answer: SpansAnswer) -> bytes:
    return as_json(jaeger_json(answer.trace_id or "", answer.spans))


def _markdown(answer: SpansAnswer) -> bytes:
    text = markdown(answer.trace_id or "", answer.spans, answer.completeness.missing)
    return text.encode("utf-8", "replace")


_ENCODERS: Mapping[Format, Callable[[SpansAnswer], bytes]] = {
    "json": answer_text,
    "otlp": _otlp,
    "jaeger": _jaeger,
    "markdown": _markdown,
}

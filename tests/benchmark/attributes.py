"""The JSON payload of spans, a whole file at a time: about 600 bytes each, most of them distinct.

The payload decides what a file weighs and so what a scan of it costs; text that is the same in
every row would flatter whoever reads it. Rows are laid side by side as a matrix of bytes and cut
to their lengths, because a Python loop over four million spans takes longer than any measurement.
"""

import json
from typing import Any

import numpy as np
import pyarrow as pa

from tests.benchmark.layout import OPERATIONS, SERVICE_NAMES

_HEX, _DIGIT, _FIRST_DIGIT = "\x01", "\x02", "\x03"
_VALUES = {_HEX: b"0123456789abcdef", _DIGIT: b"0123456789", _FIRST_DIGIT: b"123456789"}
_WORKFLOW = {
    "junjo.span_type": "workflow",
    "junjo.id": "wf_5QHkXo2tYb",
    "junjo.workflow.state.start": '{"messages":[],"plan":null}',
    "junjo.workflow.state.end": '{"messages":["hello"],"plan":"answer"}',
    "junjo.workflow.graph_structure": '{"v":1,"nodes":[{"id":"a"},{"id":"b"}],"edges":[]}',
    "junjo.workflow.store.id": "store_8TzWq",
}
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
    "okhttp/5.1.0",
)


def attributes(operation: Any, rng: np.random.Generator) -> pa.Array:
    """One JSON object a span, as its operation says."""
    head = np.frombuffer(_head().encode(), np.uint8)
    tails, lengths = _tails()
    rows = len(operation)
    matrix = np.empty((rows, len(head) + tails.shape[1]), np.uint8)
    matrix[:, : len(head)] = head
    matrix[:, len(head) :] = tails[operation]
    for marker, values in _VALUES.items():
        columns = np.flatnonzero(head == ord(marker))
        chosen = rng.integers(0, len(values), (rows, len(columns)), dtype=np.uint8)
        matrix[:, columns] = np.frombuffer(values, np.uint8)[chosen]
    return _strings(matrix, lengths[operation] + len(head))


def resources(service: Any) -> pa.Array:
    """One JSON object a service, the same for all its spans."""
    texts = [
        json.dumps(
            {
                "service.name": name,
                "service.namespace": "shop",
                "service.version": f"1.{number}.0",
                "deployment.environment.name": "production",
                "host.name": f"{name}-7d9f8b6c5-x{number}k2p",
                "telemetry.sdk.language": "python",
                "telemetry.sdk.version": "1.36.0",
            }
        )
        for number, name in enumerate(SERVICE_NAMES)
    ]
    return chosen(texts, service)


def chosen(texts: list[str], index: Any, *, null: Any = None) -> pa.Array:
    """A text a span, by position in a list of distinct ones."""
    codes = pa.array(index.astype(np.int32), pa.int32(), mask=null)
    return pa.DictionaryArray.from_arrays(codes, pa.array(texts, pa.string())).cast(pa.string())


def _head() -> str:
    """What every span has, with markers where the values differ."""
    known = {
        "request.id": _HEX * 32,
        "session.id": _HEX * 16,
        "enduser.id": "user-" + _DIGIT * 6,
        "messaging.message.id": _HEX * 12,
        "cart.item": "sku-" + _DIGIT * 8,
        "client.address": "10.1" + _DIGIT + ".1" + _DIGIT + ".1" + _DIGIT,
        "cache.key": "catalog:item:" + _HEX * 8,
    }
    texts = ",".join(f'"{name}":"{value}"' for name, value in known.items())
    size, port = _FIRST_DIGIT + _DIGIT * 4, "4" + _DIGIT * 4
    return "{" + f'{texts},"http.response.body.size":{size},"client.port":{port},'


def _tails() -> tuple[Any, Any]:
    """The rest of the object for each operation: (bytes, padded to one width; lengths)."""
    texts = []
    for number, (service, name) in enumerate(OPERATIONS):
        rest = {
            "http.route": f"/api/v2/{service}/{name.lower().replace(' ', '-')}",
            "code.function.name": f"shop.{service}.handlers.{name.title().replace(' ', '')}.handle",
            "server.address": f"{service}.production.svc.cluster.local",
            "user_agent.original": _AGENTS[number % len(_AGENTS)],
            "feature.flags": ["checkout-v2", "fast-quotes"][: number % 3],
            "retry": number % 7 == 0,
        }
        if number % 4 == 1:
            rest |= {"openinference.span.kind": "LLM", "gen_ai.operation.name": "chat"}
        if number % 8 == 3:
            rest["error.type"] = "timeout"
        if name == "run workflow":
            rest |= _WORKFLOW
        texts.append(json.dumps(rest)[1:].encode())
    lengths = np.array([len(text) for text in texts])
    padded = b"".join(text.ljust(lengths.max()) for text in texts)
    return np.frombuffer(padded, np.uint8).reshape(len(texts), -1), lengths


def _strings(matrix: Any, lengths: Any) -> pa.Array:
    """Each row cut to its length."""
    inside = np.arange(matrix.shape[1]) < lengths[:, None]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(matrix[inside])]
    return pa.Array.from_buffers(pa.string(), len(matrix), buffers)

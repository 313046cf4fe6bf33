"""Every form in which a file can hold export requests, made of requests."""

import gzip
import json

import pyarrow as pa

from indexer.otlp.files.scan import Scan, ScanOptions
from tests.support.otlp_json import json_line, json_of


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def framed(payloads):
    """The collector's file exporter: each after its length in 4 bytes, big-endian."""
    return b"".join(len(one).to_bytes(4, "big") + one for one in payloads)


def delimited(payloads):
    """Java's and Python's delimited streams: each after its length as a varint."""
    return b"".join(varint(len(one)) + one for one in payloads)


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def gzipped(data):
    return gzip.compress(data, mtime=0)


def pretty(request):
    return json.dumps(json_of(request), indent=2).encode()


def _protobuf(requests):
    return [request.SerializeToString() for request in requests]


FORMS = {
    "json-lines": lambda requests: b"".join(map(json_line, requests)),
    "json-pretty": lambda requests: b"\n".join(map(pretty, requests)),
    "json-in-a-row": lambda requests: b"".join(line.rstrip() for line in map(json_line, requests)),
    "json-array": lambda requests: b"[\n" + b",\n".join(map(pretty, requests)) + b"]\n",
    "json-crlf-bom": lambda requests: (
        b"\xef\xbb\xbf" + b"".join(map(json_line, requests)).replace(b"\n", b"\r\n")
    ),
    "protobuf": lambda requests: b"".join(_protobuf(requests)),
    "length-prefixed": lambda requests: framed(_protobuf(requests)),
    "varint-delimited": lambda requests: delimited(_protobuf(requests)),
    "messages-zstd": lambda requests: framed(map(zstd, _protobuf(requests))),
    "messages-gzip": lambda requests: framed(map(gzipped, _protobuf(requests))),
    "json-messages-zstd": lambda requests: framed(map(zstd, map(json_line, requests))),
}
WHOLE = {"none": bytes, "gzip": gzipped, "zstd": zstd}


class Bytes:
    """Content as the file that is read, a few bytes at a time."""

    def __init__(self, content, portion=1 << 20):
        self._content, self._at, self._portion = content, 0, portion

    def read(self, size):
        found = self._content[self._at : self._at + min(size, self._portion)]
        self._at += len(found)
        return found

    def close(self):
        pass


def scan(content, kind="traces", portion=1 << 20, **options):
    """(rows, statistics) of a file."""
    one = Scan("file", Bytes(content, portion), ScanOptions(kind=kind, **options))
    rows = [row for group in one.groups() for batch in group for row in rows_of(batch)]
    return rows, one.stats


def rows_of(batch):
    """A batch as dictionaries, with times in nanoseconds."""
    kinds = [pa.int64() if pa.types.is_timestamp(one.type) else one.type for one in batch.schema]
    columns = [column.cast(kind) for column, kind in zip(batch.columns, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names).to_pylist()

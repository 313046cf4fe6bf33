"""What a file is, by its first bytes: which framing of OTLP, or what else.

Three framings of protobuf are told apart by trying each: all of a file's beginning has to be
messages in it. A name says nothing: files in the field are called ``.json``, ``.pb``, ``.bin``.
"""

import re
from collections.abc import Callable
from typing import Literal

from indexer.errors import InvalidOtlp
from indexer.otlp.files.byte_stream import DamagedStream, compression_of, inflate
from indexer.otlp.files.signals import has_outer_shape
from indexer.otlp.wire_fields import read_varint

Framing = Literal["empty", "json", "protobuf", "length-prefixed", "varint-delimited"]

HEAD_BYTES = 64 << 10
"""Looked at. A message may be longer; its beginning is enough."""
MESSAGE_BYTES_MAX = 128 << 20
"""Of one document or message: collectors' largest batches in files are 80 MB of JSON."""
PREFIX_BYTES = 4
"""The collector's file exporter: a length as a big-endian number of 32 bits."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SPACES = b" \t\r\n"
_BEGINNING_OF_JSON = re.compile(
    rb"""(?=[{\[])[\[ \t\r\n,]*+"""
    rb"""(?:\{[ \t\r\n]*+(?:\}|"(?:[^"\\\x00-\x1f]|\\.)*+"[ \t\r\n]*+:)|\])"""
)
"""An object with its first name, or one of nothing; also in lists."""
_FRAMES_SEEN = 4

_OTHERS = (
    (b"PAR1", "a Parquet file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"BZh", "bzip2; gzip and zstd are read"),
    (b"\xfd7zXZ\x00", "xz; gzip and zstd are read"),
    (b"\x04\x22\x4d\x18", "lz4; gzip and zstd are read"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy; gzip and zstd are read"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "an image"),
    (b"%PDF", "a PDF"),
    (b"<", "XML or HTML"),
    (b"\xff\xfe", "UTF-16 text; OTLP's JSON is UTF-8"),
    (b"\xfe\xff", "UTF-16 text; OTLP's JSON is UTF-8"),
)


def framing_of(head: bytes, *, is_whole: bool) -> Framing | None:
    """The framing of a file that begins so; None if it is not OTLP in any.

    ``is_whole`` says that the head is the whole file.
    """
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip(_SPACES)
    if not text and is_whole:
        return "empty"
    if _BEGINNING_OF_JSON.match(text):
        return "json"
    found = _binary_framing_of(head, is_whole=is_whole)
    return "json" if found is None and _has_bracket(text) else found


def is_json(payload: bytes) -> bool:
    """Whether a message is JSON; protobuf may begin with white space and a bracket too."""
    text = payload.lstrip(_SPACES)
    if _BEGINNING_OF_JSON.match(text):
        return True
    return _has_bracket(text) and not _begins_as_request(payload)


def _has_bracket(text: bytes) -> bool:
    return text[:1] in {b"{", b"["}


def _binary_framing_of(head: bytes, *, is_whole: bool) -> Framing | None:
    if _is_framed(head, _fixed_length):
        return "length-prefixed"
    if head[:1] == b"\x0a" and _is_request(head, is_whole=is_whole):
        return "protobuf"
    if _is_framed(head, read_varint):
        return "varint-delimited"
    return None


def description(head: bytes) -> str:
    """What else the bytes are, for a message to people."""
    for magic, name in _OTHERS:
        if head.startswith(magic):
            return name
    sample = head[:32]
    if sample.isascii() and sample.decode("ascii").replace("\n", "").isprintable():
        return f"text that begins with {sample.decode('ascii')!r}"
    return f"bytes that begin with {sample[:8].hex(' ')}"


def _fixed_length(head: bytes, at: int) -> tuple[int, int]:
    if at + PREFIX_BYTES > len(head):
        raise IndexError
    return int.from_bytes(head[at : at + PREFIX_BYTES], "big"), at + PREFIX_BYTES


def _is_framed(head: bytes, length_at: Callable[[bytes, int], tuple[int, int]]) -> bool:
    at = seen = 0
    try:
        while at < len(head) and seen < _FRAMES_SEEN:
            length, at = length_at(head, at)
            if length > MESSAGE_BYTES_MAX or not _is_message(head[at : at + length], length):
                return False
            seen += length > 0
            at += length
    except (IndexError, InvalidOtlp):
        return seen > 0
    return seen > 0


def _is_message(payload: bytes, length: int) -> bool:
    """Whether it begins as a message, which may be cut off."""
    if compression_of(payload[:PREFIX_BYTES]) != "none":
        try:
            payload, length = inflate(payload, MESSAGE_BYTES_MAX), -1
        except DamagedStream:
            return len(payload) < length  # cut off by the end of the head
    if is_json(payload):
        return True
    return _is_request(payload, is_whole=len(payload) in {length, 0} or length < 0)


def _is_request(data: bytes, *, is_whole: bool) -> bool:
    if is_whole and len(data) < HEAD_BYTES and has_outer_shape(data):
        return True
    return _begins_as_request(data)


def _begins_as_request(data: bytes) -> bool:
    """Of a request that is longer than what is at hand: field 1 of bytes, and in it 1, 2 or 3."""
    try:
        if data[:1] != b"\x0a":
            return False
        length, at = read_varint(data, 1)
        if length == 0:
            return True
        if data[at] not in {0x0A, 0x12, 0x1A}:
            return False
        inner, after = read_varint(data, at + 1)
    except (IndexError, InvalidOtlp):
        return False
    return inner + (after - at) <= length

"""The wire stays what services out there speak: names, numbers and types of every field.

A number that is reused, or changes its type, breaks them without an error. New fields are added
here with new numbers.
"""

from google.protobuf.descriptor import FieldDescriptor

from indexer.wire.generated import ingestion_pb2

FILE = ingestion_pb2.DESCRIPTOR
SERVICE = "InternalIngestionService"

METHODS = {
    "ReadSpans": ("ReadSpansRequest", "ReadSpansResponse", True),
    "PrepareHotSnapshot": ("PrepareHotSnapshotRequest", "PrepareHotSnapshotResponse", False),
    "FlushWAL": ("FlushWALRequest", "FlushWALResponse", False),
    "ReadHot": ("ReadHotRequest", "ReadHotResponse", True),
    "ConfirmFiles": ("ConfirmFilesRequest", "ConfirmFilesResponse", False),
}
"""(request, response, whether the response is a stream)."""

FIELDS = {
    "ReadSpansRequest": {1: ("start_key_ulid", "bytes"), 2: ("batch_size", "uint32")},
    "ReadSpansResponse": {
        1: ("key_ulid", "bytes"),
        2: ("span_bytes", "bytes"),
        3: ("resource_bytes", "bytes"),
        4: ("remaining_count", "uint64"),
    },
    "PrepareHotSnapshotRequest": {},
    "PrepareHotSnapshotResponse": {
        1: ("snapshot_path", "string"),
        2: ("row_count", "int64"),
        3: ("file_size_bytes", "int64"),
        4: ("success", "bool"),
        5: ("error_message", "string"),
        6: ("recent_cold_paths", "repeated string"),
    },
    "FlushWALRequest": {},
    "FlushWALResponse": {1: ("success", "bool"), 2: ("error_message", "string")},
    "ReadHotRequest": {
        1: ("after_key", "bytes"),
        2: ("wal_id", "string"),
        3: ("messages_max", "uint32"),
    },
    "ReadHotResponse": {1: ("requests", "repeated message"), 2: ("state", "message")},
    "HotRequest": {1: ("key", "bytes"), 2: ("body", "bytes"), 3: ("span_count", "uint32")},
    "HotState": {
        1: ("wal_id", "string"),
        2: ("newest_key", "bytes"),
        3: ("flushed_key", "bytes"),
        4: ("as_of_unix_nano", "fixed64"),
        5: ("recent_files", "repeated message"),
        6: ("unlisted_files", "uint64"),
        7: ("pending_spans", "uint64"),
    },
    "RecentFile": {1: ("path", "string"), 2: ("span_count", "uint64")},
    "ConfirmFilesRequest": {1: ("paths", "repeated string")},
    "ConfirmFilesResponse": {1: ("confirmed_count", "uint32")},
}

_TYPES = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in ("bytes", "string", "bool", "uint32", "uint64", "int64", "fixed64", "message")
}


def test_the_package_and_the_service_keep_their_names():
    assert FILE.package == "ingestion"
    assert list(FILE.services_by_name) == [SERVICE]


def test_methods_keep_their_messages_and_streams():
    found = {
        method.name: (method.input_type.name, method.output_type.name, method.server_streaming)
        for method in FILE.services_by_name[SERVICE].methods
    }
    assert found == METHODS
    assert not any(method.client_streaming for method in FILE.services_by_name[SERVICE].methods)


def test_fields_keep_their_numbers_names_and_types():
    found = {
        message.name: {
            field.number: (
                field.name,
                f"{'repeated ' * field.is_repeated}{_TYPES[field.type]}",
            )
            for field in message.fields
        }
        for message in FILE.message_types_by_name.values()
    }
    assert found == FIELDS

"""A dialect says where the parts of a span are in words that are known, and in no others."""

import pytest

from indexer.contracts import dialect_documents
from indexer.read.dialect_document import dialect_of

DOCUMENT = {
    "name": "acme",
    "title": "Acme",
    "recognised_by": ["a"],
    "metadata": {"trace_id": {"column": "a", "type": "id"}},
    "payload": {},
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colour": "red"}, "dialect acme: unknown words: colour"),
        ({"metadata": {"name": {"column": "a", "type": "text", "x": 1}}}, "field name: .*: x"),
        ({"metadata": {"name": {"column": "a", "type": "word"}}}, "field name: 'word' is none of"),
        (
            {"metadata": {"start_time": {"column": "a", "type": "timestamp", "paths": [["b"]]}}},
            "field start_time: a timestamp cannot stand on a path",
        ),
        (
            {"payload": {"attributes": {"k": {"column": "a", "path": ["b"]}}}},
            "payload attributes, 'k': unknown words: path",
        ),
    ],
)
def test_a_word_that_means_nothing_is_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        dialect_of({**DOCUMENT, **change})


@pytest.mark.parametrize("document", dialect_documents(), ids=lambda one: one["name"])
def test_the_documents_that_there_are_have_known_words(document):
    assert dialect_of(document).name == document["name"]


def test_events_are_lists_side_by_side_and_attributes_are_gathered():
    payload = {"events": {"name": "b"}, "attributes": {"k": "c"}, "links": "d"}
    events, attributes, links = dialect_of({**DOCUMENT, "payload": payload}).payload
    assert (events.is_gathered, events.is_whole) == (False, False)
    assert (attributes.is_gathered, attributes.is_whole) == (True, False)
    assert (links.is_gathered, links.is_whole) == (False, True)

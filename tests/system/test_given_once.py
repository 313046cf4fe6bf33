"""What has one value and is given more than once is named, with how often."""

from indexer.system.given_once import repeated


def test_each_name_is_said_once_with_how_often_it_is_there():
    assert repeated(["a", "b", "a", "c", "c", "a"]) == {
        "a": "given 3 times; it has one value",
        "c": "given 2 times; it has one value",
    }
    assert repeated(["a", "b"]) == {}

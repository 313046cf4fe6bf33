"""What a poller remembers, and that only one process remembers it at a time."""

import sqlite3
from contextlib import closing

import pytest

from indexer.errors import CatalogOwned, CatalogUnreadable
from indexer.ingest.poll_state import PollState

FIRST, LAST = bytes(range(20)), bytes(range(1, 21))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "somewhere" / "state.sqlite"


def test_a_new_file_remembers_nothing(path):
    with closing(PollState.open(path)) as state:
        assert state.last_key() == b""
        assert state.unfinished_range() is None


def test_a_range_that_was_begun_is_known_until_it_is_finished(path):
    with closing(PollState.open(path)) as state:
        state.begin(FIRST, LAST)
    with closing(PollState.open(path)) as state:
        assert state.unfinished_range() == (FIRST, LAST)
        assert state.last_key() == b""
        state.finish(LAST)
        assert state.unfinished_range() is None
    with closing(PollState.open(path)) as state:
        assert state.last_key() == LAST


def test_a_range_may_be_begun_anew(path):
    with closing(PollState.open(path)) as state:
        state.begin(FIRST, FIRST)
        state.begin(FIRST, LAST)
        assert state.unfinished_range() == (FIRST, LAST)


def test_the_key_that_an_earlier_poller_saved_is_taken_up(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("CREATE TABLE poller_state (id INTEGER PRIMARY KEY, last_key BLOB)")
        earlier.execute("INSERT INTO poller_state VALUES (1, ?)", (FIRST,))
        earlier.commit()
    with closing(PollState.open(path)) as state:
        assert state.last_key() == FIRST


def test_a_key_that_was_never_set_is_empty(path):
    with closing(PollState.open(path)) as state:
        state._connection.execute("INSERT INTO poller_state VALUES (1, NULL)")
        assert state.last_key() == b""


def test_a_second_process_is_refused_while_the_first_one_has_it(path):
    with closing(PollState.open(path)), pytest.raises(CatalogOwned) as refusal:
        PollState.open(path)
    assert str(path) in refusal.value.message
    assert refusal.value.exit_code == 2
    PollState.open(path).close()


def test_a_file_that_is_no_database_is_refused_and_kept(path):
    path.parent.mkdir()
    path.write_bytes(b"something else" * 100)
    with pytest.raises(CatalogUnreadable):
        PollState.open(path)
    assert path.read_bytes().startswith(b"something else")


def test_a_refused_transaction_changes_nothing(path):
    with closing(PollState.open(path)) as state:
        state.begin(FIRST, LAST)
        state._connection.execute("DROP TABLE poller_state")
        with pytest.raises(sqlite3.Error):
            state.finish(LAST)
        assert state.unfinished_range() == (FIRST, LAST)

"""Which statements of a script are ours, and what they say."""

import pytest

from indexer.errors import QueryRefused
from indexer.live.statements import (
    MAYBE_INSERT,
    MAYBE_OURS,
    Attach,
    CreateRing,
    Detach,
    DropRing,
    Insert,
    statements,
)


def one(sql):
    (found,) = statements(sql)
    return found[1]


def test_the_attach_of_the_seed():
    found = one("ATTACH 'otlp://localhost:4317' AS live (TYPE otlp, max_rows 100000)")
    assert found == Attach(url="otlp://localhost:4317", alias="live", options={"max_rows": 100_000})


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (
            "attach database if not exists 'otlp://h:1' as \"My \"\"live\" (type 'otlp', http_port = -1, token 'it''s');",
            Attach(
                url="otlp://h:1",
                alias='My "live',
                options={"http_port": -1, "token": "it's"},
                if_not_exists=True,
            ),
        ),
        ("/* a */ Attach 'otlp://h:1' AS x -- b", Attach(url="otlp://h:1", alias="x")),
        ("DETACH DATABASE IF EXISTS live", Detach("live")),
        (
            "CREATE RING TABLE r (a DECIMAL(10, 2), b VARCHAR) WITH (max_rows 1_000)",
            CreateRing(name="r", columns="a DECIMAL(10, 2), b VARCHAR", options={"max_rows": 1000}),
        ),
        ("DROP RING TABLE IF EXISTS r", DropRing("r", if_exists=True)),
        ("INSERT INTO r (a, b) VALUES (1, ';')", Insert("r", ("a", "b"), "VALUES (1, ';')")),
        ("INSERT INTO r FROM t", Insert("r", (), "FROM t")),
    ],
)
def test_what_is_ours(sql, found):
    assert one(sql) == found
    assert (MAYBE_INSERT if isinstance(found, Insert) else MAYBE_OURS).search(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH 'file.duckdb' AS other (READ_ONLY)",
        "ATTACH OR REPLACE 'file.duckdb' AS other",
        "SELECT 'ATTACH ''otlp://h:1'' AS x'",
        "INSERT INTO schema.r VALUES (1)",
        "INSERT OR IGNORE INTO r VALUES (1)",
        "CREATE TABLE ring (a INTEGER)",
        "DROP TABLE ring",
        "FROM read_otlp('a')",
    ],
)
def test_what_is_not(sql):
    assert one(sql) is None


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("ATTACH 'otlp://h:1'", "needs a name"),
        ("ATTACH 'otlp://h:1' AS x (TYPE otlp", "name and value"),
        ("ATTACH 'otlp://h:1' AS x (TYPE otlp) READ", "unexpected 'READ'"),
        ("CREATE RING TABLE r", "a name and columns"),
        ("CREATE RING TABLE r (a INTEGER", "not closed"),
        ("DROP RING TABLE", "needs a name"),
    ],
)
def test_what_is_ours_and_not_complete_is_refused(sql, said):
    with pytest.raises(QueryRefused, match=said):
        statements(sql)


def test_a_script_is_cut_at_semicolons_outside_of_texts_names_and_comments():
    sql = """SELECT ';' AS "a;b"; -- no;
    SELECT $x$;$x$, E'it\\'s;' /* ; */ ; DETACH live;;"""
    found = statements(sql)
    assert [text.split()[0] for text, _ in found] == ["SELECT", "SELECT", "DETACH"]
    assert [statement for _, statement in found] == [None, None, Detach("live")]

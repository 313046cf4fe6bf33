"""What is gathered comes from the columns that a file has, and only from those that are asked for."""

from indexer.read.dialect_fields import PayloadColumn

GATHERED = PayloadColumn(
    "attributes", (("*", "attributes.*"), ("n", "number"), ("m.*", "map")), is_gathered=True
)


def test_a_beginning_stands_for_every_column_that_has_it():
    found = GATHERED.in_file(["attributes.a", "attributes.b.c", "attributes.", "number", "x"])
    assert found is not None
    assert found.parts == (("a", "attributes.a"), ("b.c", "attributes.b.c"), ("n", "number"))


def test_what_has_none_of_its_columns_is_not_in_the_file():
    assert GATHERED.in_file(["attributes", "numbers"]) is None
    assert PayloadColumn("events", (("name", "a"), ("time", "b"))).in_file(["a"]) is None


def test_a_key_is_looked_for_where_it_may_be():
    found = GATHERED.of_keys(["m.x"])
    assert found is not None
    assert found.parts == (("*", "attributes.*"), ("m.*", "map"))
    assert PayloadColumn("attributes", (("n", "a"),), is_gathered=True).of_keys(["m"]) is None

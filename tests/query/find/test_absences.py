"""What is known of files is kept within its bytes, and is of one file as it was."""

from dataclasses import replace

from indexer.model import ParquetFileInfo
from indexer.query.find.absences import ENTRY_BYTES, Absences
from indexer.query.find.payload_conditions import AttributeCondition
from indexer.query.span import DataFile
from indexer.read.dialect_document import dialects

FILE = DataFile(
    tier="indexed",
    path="/a.parquet",
    info=ParquetFileInfo(
        path="/a.parquet",
        relative_path="a.parquet",
        size_bytes=1,
        modified_unix_nano=1,
        device=1,
        inode=1,
        changed_unix_nano=1,
    ),
    dialect=dialects()[0],
    footer_digest="1",
)
ONE = AttributeCondition(key="k", operator="=", value=1)


def test_a_key_that_is_absent_rules_out_every_condition_on_it() -> None:
    known = Absences()
    known.of(FILE).learn(AttributeCondition(key="k"))
    assert known.of(FILE).rules_out(ONE)
    assert not known.of(FILE).rules_out(replace(ONE, owner="event"))
    assert not known.of(replace(FILE, footer_digest="2")).rules_out(ONE)


def test_true_and_one_are_two_conditions() -> None:
    known = Absences()
    known.of(FILE).learn(ONE)
    assert not known.of(FILE).rules_out(replace(ONE, value=True))


def test_what_was_not_used_for_longest_is_forgotten() -> None:
    known = Absences(2 * ENTRY_BYTES)
    conditions = [replace(ONE, value=number) for number in range(3)]
    for condition in conditions[:2]:
        known.of(FILE).learn(condition)
    assert known.of(FILE).rules_out(conditions[0])
    known.of(FILE).learn(conditions[2])
    assert len(known) == 2
    assert [known.of(FILE).rules_out(one) for one in conditions] == [True, False, True]

"""What verification says when somebody has changed the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import text

from rookery.domains.audit.rules import Head, chained, link, payload_of
from tests.domains.audit.conftest import StoredChain, an_entry

COLUMNS = "id, at_us, event_type, actor, object, request_id, details"


def test_an_untouched_log_is_intact(stored: StoredChain) -> None:
    verdict = stored.verify()
    assert verdict.is_intact
    assert (verdict.entries, verdict.checkpoints, verdict.notes) == (20, 4, ())


@pytest.mark.parametrize(
    "change",
    [
        "id = 'another'",
        "at_us = at_us + 1",
        "event_type = 'scan.finished'",
        "actor = 'mallory'",
        "actor = actor || ' '",
        "object = 'run 8'",
        "request_id = 'r'",
        "details = '{\"count\":2}'",
        "actor = 'alice' || chr(10) || 'run 7', object = ''",
        "actor = '', request_id = 'alice'",
    ],
)
def test_an_edited_field_is_found_in_its_entry(stored: StoredChain, change: str) -> None:
    if stored.engine.dialect.name == "sqlite":
        change = change.replace("chr(", "char(")
    stored.tamper(f"UPDATE audit_entry SET {change} WHERE position = 7")
    verdict = stored.verify()
    assert [(problem.kind, problem.position) for problem in verdict.problems] == [("edited", 7)]
    assert "entry 7 (" in verdict.problems[0].message


def test_text_behind_a_nul_is_seen(sqlite_url: str, data_dir: Any) -> None:
    """SQLite keeps it in the column, and some of its functions stop before it."""
    stored = StoredChain(sqlite_url, data_dir)
    stored.tamper("UPDATE audit_entry SET actor = CAST(X'616C696365006576696C' AS TEXT) WHERE position = 7")
    assert stored.found() == [("edited", 7)]
    stored.engine.dispose()


@pytest.mark.parametrize("column", ["hash", "previous"])
def test_an_edited_hash_is_found_in_its_entry(stored: StoredChain, column: str) -> None:
    stored.tamper(
        f"UPDATE audit_entry SET {column} = (SELECT hash FROM audit_entry WHERE position = 3)"
        " WHERE position = 7"
    )
    assert stored.found()[0] == ("edited", 7)


def test_values_of_another_type_are_found_and_do_no_harm(sqlite_url: str, data_dir: Any) -> None:
    """SQLite lets anything stand in a column."""
    stored = StoredChain(sqlite_url, data_dir)
    stored.tamper(
        "UPDATE audit_entry SET hash = 'text' WHERE position IN (7, 8)",
        "UPDATE audit_entry SET at_us = 'yesterday' WHERE position = 12",
        "UPDATE audit_checkpoint SET head = 5, at_us = 'now' WHERE size = 15",
    )
    found = stored.found()
    assert ("edited", 7) in found
    assert ("edited", 12) in found
    assert ("checkpoint", 15) in found
    stored.engine.dispose()


def test_a_deleted_entry_is_named(stored: StoredChain) -> None:
    stored.tamper("DELETE FROM audit_entry WHERE position = 7")
    verdict = stored.verify()
    assert [problem.message for problem in verdict.problems] == ["entry 7 is missing: deleted"]


def test_the_first_entries_deleted_are_named(stored: StoredChain) -> None:
    stored.tamper("DELETE FROM audit_entry WHERE position <= 3")
    assert [problem.message for problem in stored.verify().problems] == [
        "entries 1 to 3 are missing: deleted"
    ]


def test_a_deletion_hidden_by_renumbering_is_found(stored: StoredChain) -> None:
    stored.tamper(
        "DELETE FROM audit_entry WHERE position = 7",
        "UPDATE audit_entry SET position = -position WHERE position > 7",
        "UPDATE audit_entry SET position = -position - 1 WHERE position < 0",
    )
    verdict = stored.verify()
    assert (verdict.problems[0].kind, verdict.problems[0].position) == ("missing", 7)
    assert "1 deleted before entry 7" in verdict.problems[0].message


def test_an_inserted_entry_is_found(stored: StoredChain) -> None:
    """A forged entry that follows entry 7, with those behind it renumbered."""
    stored.tamper(
        "UPDATE audit_entry SET position = -position WHERE position > 7",
        "UPDATE audit_entry SET position = -position + 1 WHERE position < 0",
    )
    _forge(stored, after=7)
    assert stored.found()[0] == ("inserted", 8)


def test_entries_forged_at_the_end_are_found(stored: StoredChain) -> None:
    _forge(stored, after=20)
    verdict = stored.verify()
    assert [(problem.kind, problem.position) for problem in verdict.problems] == [("inserted", 21)]
    assert "no checkpoint signs" in verdict.problems[0].message


def test_swapped_entries_are_reordered(stored: StoredChain) -> None:
    stored.tamper(
        "UPDATE audit_entry SET position = -1 WHERE position = 7",
        "UPDATE audit_entry SET position = 7 WHERE position = 12",
        "UPDATE audit_entry SET position = 12 WHERE position = -1",
    )
    found = stored.found()
    assert ("reordered", 7) in found
    assert {kind for kind, _ in found} <= {"reordered", "inserted"}


def test_contents_swapped_between_two_entries_are_edits(stored: StoredChain) -> None:
    stored.tamper(
        "UPDATE audit_entry SET object = 'x' WHERE position = 7",
        "UPDATE audit_entry SET object = 'run 7' WHERE position = 12",
        "UPDATE audit_entry SET object = 'run 12' WHERE position = 7",
    )
    assert stored.found() == [("edited", 7), ("edited", 12)]


def test_an_edit_with_its_hash_recomputed_is_found(stored: StoredChain) -> None:
    stored.tamper("UPDATE audit_entry SET actor = 'mallory' WHERE position = 7")
    _rehash(stored, [7])
    verdict = stored.verify()
    assert [(problem.kind, problem.position) for problem in verdict.problems] == [("edited", 7)]
    assert "its hash recomputed" in verdict.problems[0].message


def test_a_chain_rewritten_to_its_end_disagrees_with_what_was_signed(stored: StoredChain) -> None:
    stored.tamper("UPDATE audit_entry SET actor = 'mallory' WHERE position = 7")
    _rehash(stored, range(7, 21))
    verdict = stored.verify()
    assert [(problem.kind, problem.position) for problem in verdict.problems] == [("rewritten", 6)]
    assert "entries 6 to 10 rewritten" in verdict.problems[0].message


def test_a_cut_end_is_told_by_the_checkpoints(stored: StoredChain) -> None:
    stored.tamper("DELETE FROM audit_entry WHERE position > 13")
    verdict = stored.verify()
    assert [problem.kind for problem in verdict.problems] == ["truncated"]
    assert verdict.problems[0].message == "entries 14 to 20 cut off the end: a signed checkpoint counts 20"


def test_an_end_cut_with_its_checkpoints_is_told_by_the_witness(stored: StoredChain) -> None:
    _cut(stored, 10)
    verdict = stored.verify()
    assert [problem.kind for problem in verdict.problems] == ["truncated"]
    assert "the checkpoint kept outside the database counts 20" in verdict.problems[0].message


def test_a_log_emptied_with_its_checkpoints_is_told_by_the_witness(stored: StoredChain) -> None:
    _cut(stored, 0)
    assert stored.found() == [("truncated", 1)]


def test_writing_on_after_a_cut_does_not_hide_it(stored: StoredChain) -> None:
    _cut(stored, 10)
    stored.append(30)
    assert [problem.message for problem in stored.verify().problems if problem.kind == "missing"] == [
        "entries 11 to 20 are missing: deleted"
    ]


def test_a_cut_at_a_checkpoint_shows_only_with_a_witness_so_its_absence_is_noted(stored: StoredChain) -> None:
    _cut(stored, 10)
    stored.witness.path.unlink()
    verdict = stored.verify()
    assert verdict.is_intact
    assert "no checkpoint is kept outside" in verdict.notes[0]


@pytest.mark.parametrize(
    "change", ["size = 9", "at_us = at_us - 1", "key_id = 'x'", "signature = previous", "head = previous"]
)
@pytest.mark.parametrize("size", [5, 10, 20])
def test_an_edited_checkpoint_is_found(stored: StoredChain, size: int, change: str) -> None:
    stored.tamper(f"UPDATE audit_checkpoint SET {change} WHERE size = {size}")
    assert {kind for kind, _ in stored.found()} == {"checkpoint"}


@pytest.mark.parametrize("size", [5, 10, 20])
def test_a_removed_checkpoint_is_found(stored: StoredChain, size: int) -> None:
    stored.tamper(f"DELETE FROM audit_checkpoint WHERE size = {size}")
    assert [kind for kind, _ in stored.found()] == ["checkpoint"]


def test_without_any_checkpoint_the_witness_still_vouches_but_their_loss_is_found(
    stored: StoredChain,
) -> None:
    stored.tamper("DELETE FROM audit_checkpoint")
    assert stored.found() == [("checkpoint", 20)]


def test_a_witness_edited_is_found(stored: StoredChain) -> None:
    content = stored.witness.path.read_text().replace("size 20", "size 19")
    stored.witness.path.write_text(content)
    (problem,) = stored.verify().problems
    assert "the checkpoint kept outside the database was edited" in problem.message


def test_a_log_signed_with_an_unknown_key_is_not_trusted(stored: StoredChain) -> None:
    (stored.data_dir / "keys" / "audit.pub").unlink()
    verdict = stored.verify()
    assert not verdict.is_intact
    assert "is not trusted here" in verdict.problems[0].message


def test_time_stepping_back_is_noted_and_no_problem(stored: StoredChain) -> None:
    entry = an_entry(21, at_us=1_600_000_000_000_000)
    with stored.engine.begin() as connection:
        stored.appender.append(connection, [payload_of(entry)], None)
    verdict = stored.verify()
    assert verdict.is_intact
    assert "first at entry 21" in verdict.notes[0]


def test_many_problems_are_counted_and_the_first_hundred_kept(stored: StoredChain) -> None:
    stored.append(200)
    stored.tamper("UPDATE audit_entry SET actor = 'mallory'")
    verdict = stored.verify()
    assert verdict.problem_count == 220
    assert [problem.position for problem in verdict.problems] == list(range(1, 101))


def _forge(stored: StoredChain, after: int) -> None:
    """An entry with a proper hash behind the one at `after`, as somebody without the key can make it."""
    with stored.engine.begin() as connection:
        head = connection.execute(text(f"SELECT hash FROM audit_entry WHERE position = {after}")).scalar_one()
        (row,), _ = link([payload_of(an_entry(99))], Head(after, head))
        names = ["position", *COLUMNS.split(", "), "previous", "hash"]
        marks = ", ".join(f":{name}" for name in names)
        insert = f"INSERT INTO audit_entry ({', '.join(names)}) VALUES ({marks})"
        connection.execute(text(insert), dict(zip(names, row, strict=True)))


def _rehash(stored: StoredChain, positions: Iterable[int]) -> None:
    with stored.engine.begin() as connection:
        for position in positions:
            row = connection.execute(
                text(f"SELECT {COLUMNS} FROM audit_entry WHERE position = {position}")
            ).one()
            before = text(f"SELECT hash FROM audit_entry WHERE position = {position - 1}")
            previous = connection.execute(before).scalar_one()
            digest = chained(previous, "\n".join(map(str, row)).encode())
            change = text(
                f"UPDATE audit_entry SET previous = :previous, hash = :hash WHERE position = {position}"
            )
            connection.execute(change, {"previous": previous, "hash": digest})


def _cut(stored: StoredChain, size: int) -> None:
    stored.tamper(
        f"DELETE FROM audit_entry WHERE position > {size}",
        f"DELETE FROM audit_checkpoint WHERE size > {size}",
    )

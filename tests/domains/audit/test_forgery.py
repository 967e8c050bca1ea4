"""What somebody with the database's password forges is not vouched for by the entries that are written on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from rookery.domains.audit import parts
from rookery.domains.audit.appending import CHECKPOINT_COLUMNS, Appender
from rookery.domains.audit.checkpoints import Checkpoint
from rookery.domains.audit.keys import Signer, open_signer
from rookery.domains.audit.rules import GENESIS, Head, chained, link, payload_of
from rookery.domains.audit.service import AuditService
from tests.domains.audit.conftest import StoredChain, an_entry

COLUMNS = "id, at_us, event_type, actor, object, request_id, details"


def rewrite(stored: StoredChain, sign: Callable[[Checkpoint], Checkpoint]) -> None:
    """Edit entry 7 and make every hash and every checkpoint anew, so that all of it fits."""
    stored.tamper("UPDATE audit_entry SET actor = 'mallory' WHERE position = 7")
    with stored.engine.begin() as connection:
        hashes, last = {}, GENESIS
        rows = connection.execute(text(f"SELECT position, {COLUMNS} FROM audit_entry ORDER BY position"))
        for position, *fields in rows.all():
            previous, last = last, chained(last, "\n".join(map(str, fields)).encode())
            hashes[position] = last
            change = f"UPDATE audit_entry SET previous = :previous, hash = :hash WHERE position = {position}"
            connection.execute(text(change), {"previous": previous, "hash": last})
        previous = GENESIS
        marks = connection.execute(
            text(f"SELECT {', '.join(CHECKPOINT_COLUMNS)} FROM audit_checkpoint ORDER BY size")
        )
        for row in marks.all():
            mark = sign(Checkpoint(*row)._replace(head=hashes[row[0]], previous=previous))
            changes = ", ".join(f"{name} = :{name}" for name in CHECKPOINT_COLUMNS[1:])
            change = f"UPDATE audit_checkpoint SET {changes} WHERE size = :size"
            connection.execute(text(change), mark._asdict())
            previous = mark.digest


def unsigned(mark: Checkpoint) -> Checkpoint:
    return mark


def by_a_key_of_his_own(mark: Checkpoint) -> Checkpoint:
    signer = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    mark = mark._replace(key_id=signer.key_id)
    return mark._replace(signature=signer.sign(mark.body))


def of_no_type(mark: Checkpoint) -> Checkpoint:
    return mark._replace(signature=b"")


def write_on(stored: StoredChain, *, is_new_process: bool) -> None:
    if is_new_process:
        stored.appender = Appender(open_signer(stored.data_dir / "keys"))
    stored.append(5)
    stored.append(5)


def said(stored: StoredChain) -> str:
    return "\n".join(problem.message for problem in stored.verify().problems)


@pytest.mark.parametrize("is_new_process", [True, False])
@pytest.mark.parametrize("sign", [unsigned, by_a_key_of_his_own, of_no_type])
def test_a_log_that_is_forged_whole_stays_forged_when_it_is_written_on(
    stored: StoredChain, sign: Callable[[Checkpoint], Checkpoint], is_new_process: bool
) -> None:
    rewrite(stored, sign)
    assert "some of entries 1 to 20 rewritten" in said(stored)
    write_on(stored, is_new_process=is_new_process)
    assert "the checkpoint after entry 20" in said(stored)


def test_without_the_witness_too(stored: StoredChain) -> None:
    rewrite(stored, unsigned)
    stored.witness.path.unlink()
    write_on(stored, is_new_process=True)
    assert "the checkpoint after entry 20 was edited" in said(stored)


@pytest.mark.parametrize("is_new_process", [True, False])
def test_an_entry_that_is_forged_at_the_end_stays_found_when_the_log_is_written_on(
    stored: StoredChain, is_new_process: bool
) -> None:
    with stored.engine.begin() as connection:
        head = connection.execute(text("SELECT hash FROM audit_entry WHERE position = 20")).scalar_one()
        (row,), _ = link([payload_of(an_entry(21))], Head(20, head))
        names = ["position", *COLUMNS.split(", "), "previous", "hash"]
        insert = f"INSERT INTO audit_entry ({', '.join(names)}) VALUES (:{', :'.join(names)})"
        connection.execute(text(insert), dict(zip(names, row, strict=True)))
    write_on(stored, is_new_process=is_new_process)
    assert [(problem.kind, problem.position) for problem in stored.verify().problems] == [("inserted", 21)]


def test_several_machines_sign_one_log_and_each_key_is_looked_at(stored: StoredChain) -> None:
    other = stored.data_dir / "other"
    for folder in (other, stored.data_dir / "keys"):
        stored.appender = Appender(open_signer(folder))
        stored.append(5)
    (problem,) = stored.verify().problems
    assert (problem.position, "which is not trusted here" in problem.message) == (25, True)
    (stored.data_dir / "keys" / "other.pub").write_bytes((other / "audit.pub").read_bytes())
    assert stored.verify().is_intact
    stored.tamper("UPDATE audit_checkpoint SET signature = previous WHERE size = 25")
    assert not stored.verify().is_intact


def test_it_is_found_when_parts_are_verified_side_by_side(
    stored: StoredChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "SMALLEST", 5)
    monkeypatch.setattr(parts, "cores", lambda: 4)
    rewrite(stored, by_a_key_of_his_own)
    write_on(stored, is_new_process=True)
    with AuditService(stored.url, stored.data_dir) as service:
        assert "not trusted here" in service.verify().problems[0].message

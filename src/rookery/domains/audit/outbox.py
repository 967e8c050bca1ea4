"""The outbox: entries written in the transaction of the change they tell of, on their way into the chain.

The change and its entry are committed together or not at all. The queue's sink then moves the entry into the
chain, in one transaction, so exactly once (docs/decisions/0005-audit-outbox.md). A seal keeps whoever can
write to the database, and does not hold the key, from having a forged entry chained and signed by us.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from hmac import compare_digest
from typing import Final

from sqlalchemy import Connection

from rookery.base.clock import now_us
from rookery.domains.audit.appending import lock
from rookery.domains.audit.keys import Signer
from rookery.domains.audit.rules import AuditEntry, payload_of
from rookery.mechanisms.store import sql

log = logging.getLogger(__name__)

ABANDONED: Final = 10.0
"""Seconds after which nobody is expected to name an entry any more."""
NAME_LENGTH: Final = 36
"""Characters of an entry's id. A payload is longer, so the queue can carry both."""

_PUT = "INSERT INTO audit_outbox (id, key_id, payload, seal) VALUES (:id, :key_id, :payload, :seal)"
_WAITING = "SELECT id, payload, seal FROM audit_outbox WHERE key_id = :key_id ORDER BY id"
_TAKE = "DELETE FROM audit_outbox WHERE id = :id"


class Outbox:
    """The outbox of one database, as the holder of one key sees it: others' entries are left to them."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self._distrusted: set[str] = set()

    def put(self, connection: Connection, entries: Sequence[AuditEntry]) -> None:
        """Write entries in the connection's transaction: every change of anything pays for it."""
        sql.run(connection, _PUT, [self._row(entry) for entry in entries])

    def _row(self, entry: AuditEntry) -> dict[str, str | bytes]:
        payload = payload_of(entry)
        seal = self._signer.seal(payload)
        return {"id": entry.id, "key_id": self._signer.key_id, "payload": payload, "seal": seal}

    def resolve(self, connection: Connection, items: list[bytes]) -> list[bytes]:
        """The payloads to chain: what was left behind, then these, names replaced by the entries they name.

        All of it leaves the outbox in the connection's transaction, which holds the chain from here on. A
        name whose entry has been moved already is left out. What is named by nobody for ABANDONED seconds is
        moved, too; not earlier, for it would overtake what its process recorded before.
        """
        lock(connection)
        names: set[str] = set()
        if NAME_LENGTH in map(len, items):
            names = {item.decode(errors="replace") for item in items if len(item) == NAME_LENGTH}
        waiting = self._take(connection, names)
        if not waiting and not names:
            return items
        payloads = [
            item if len(item) != NAME_LENGTH else waiting.pop(item.decode(errors="replace"), b"")
            for item in items
        ]
        return list(waiting.values()) + [payload for payload in payloads if payload]

    def _take(self, connection: Connection, names: set[str]) -> dict[str, bytes]:
        rows = sql.run(connection, _WAITING, {"key_id": self._signer.key_id})
        taken = {
            id_: bytes(payload)
            for id_, payload, seal in rows
            if (id_ in names or _is_abandoned(id_)) and self._trusts(id_, payload, seal)
        }
        if taken:
            sql.run(connection, _TAKE, [{"id": id_} for id_ in taken])
        return taken

    def _trusts(self, id_: str, payload: bytes, seal: bytes) -> bool:
        """Whether the holder of our key wrote this row; said once of one that somebody else did."""
        is_ours = compare_digest(self._signer.seal(payload), seal) and payload.startswith(id_.encode())
        if not is_ours and id_ not in self._distrusted:
            self._distrusted.add(id_)
            log.error("audit_outbox: %s was not written by Rookery, and is not recorded: look into it", id_)
        return is_ours


def waiting(connection: Connection) -> list[str]:
    """The names of what waits, oldest first, whoever wrote it."""
    return sql.run(connection, "SELECT id FROM audit_outbox ORDER BY id LIMIT 10000").scalars()


def _is_abandoned(id_: str) -> bool:
    """By the birth of the entry, which its id tells (UUIDv7: 48 bits of milliseconds)."""
    try:
        born = int(id_[:8] + id_[9:13], 16) / 1000
    except ValueError:
        return True
    return now_us() / 1e6 - born > ABANDONED

"""Another key for what is sealed: raw configurations and second factors, after the credentials.

Then the old keys may go.
"""

from __future__ import annotations

from rookery.domains.backups import store
from rookery.domains.backups.service import place
from rookery.domains.credentials.events import VaultKeyRotated
from rookery.domains.users import second_factor
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.vault.keys import drop_old_keys, is_in_file, open_vault
from rookery.mechanisms.vault.sealing import Vault

AT_ONCE = 100
"""Configurations per transaction: others write meanwhile."""


@dual
def reseal(rook: Rook, /) -> int:
    """Seal every raw configuration that another key has sealed with the one in use; how many those were.

    May be broken off, and goes on where it was. Raises VaultKeyUnusable, SealBroken.
    """
    vault = rook.offload(open_vault, rook.config)
    count = 0
    while resealed := _reseal_some(rook, vault):
        count += resealed
    if count:
        rook.emit(VaultKeyRotated("configurations", count))
    return count


def _reseal_some(rook: Rook, vault: Vault) -> int:
    with rook.transaction() as session:
        rows = store.sealed_otherwise(session, vault.mark, AT_ONCE)
        for id_, raw in rows:
            store.put_sealed(session, id_, vault.seal(vault.open(raw, place(id_)), place(id_)))
    return len(rows)


@dual
def rotate_out(rook: Rook, /) -> int:
    """Seal what is left with the key in use, then forget the others of the file; how many keys those were.

    What is left are configurations and second factors: call it after `credentials.rotate_key` and
    `notifications.reseal`. Raises what `reseal` raises.
    """
    reseal(rook)
    second_factor.reseal(rook)
    return rook.offload(drop_old_keys, rook.config) if is_in_file(rook.config) else 0

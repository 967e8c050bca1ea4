"""What people do with credentials: keep, change, match, reveal; and another key for all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from rookery.base.clock import now_us
from rookery.base.ids import new_id
from rookery.base.redact import register_secret
from rookery.domains.credentials import store
from rookery.domains.credentials.errors import CredentialChanged, CredentialExists, CredentialNotValid
from rookery.domains.credentials.events import (
    CredentialCreated,
    CredentialDeleted,
    CredentialRevealed,
    CredentialUpdated,
    VaultKeyRotated,
)
from rookery.domains.credentials.models import Credential
from rookery.domains.credentials.rules import CredentialInfo, Secret, check, fitting
from rookery.domains.devices import store as devices
from rookery.domains.devices.rules import DEFAULT_TAG, valid_tags
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.vault.keys import add_key, open_vault

SECRETS = ("password", "private_key", "enable")


class Opened(NamedTuple):
    """A credential and what opens: for whoever logs in, and for nobody to print."""

    info: CredentialInfo
    secret: Secret


@dual
def create(
    rook: Rook,
    /,
    name: str,
    username: str,
    *,
    password: str = "",
    private_key: str = "",
    enable: str | None = None,
    tags: tuple[str, ...] = (),
    priority: int = 100,
    description: str = "",
) -> CredentialInfo:
    """Keep a login. Without tags it has the default one, and fits every device.

    Raises CredentialNotValid, CredentialExists, DeviceNotValid for a tag, VaultKeyUnusable.
    """
    secret = Secret(password, private_key, enable)
    check(name, username, secret, priority, description)
    vault = rook.offload(open_vault, rook.config)
    id_, moment = new_id(), now_us()
    row = Credential(
        id=id_, name=name, called=name.lower(), username=username, secret=store.sealed(vault, secret, id_),
        tags=_tags(tags), priority=priority, description=description, revision=1, created_us=moment,
        created_by=rook.actor, updated_us=moment, success_count=0, failure_count=0, failed_in_row=0,
        last_success_us=None, last_failure_us=None,
    )  # fmt: skip
    with rook.transaction() as session:
        store.add(session, row)
        made = store.info(row, secret)
        rook.emit(CredentialCreated(name, id_, username, made.tags))
    return made


@dual
def get(rook: Rook, /, name: str) -> CredentialInfo:
    """The credential of this name, in any case, or with this id. Raises CredentialNotFound, SealBroken."""
    vault = rook.offload(open_vault, rook.config)
    with rook.reading() as session:
        row = store.row_of(session, name)
        return store.info(row, store.opened(vault, row))


@dual
def list_(rook: Rook, /) -> list[CredentialInfo]:
    """Every credential, those tried first first. Raises SealBroken."""
    vault = rook.offload(open_vault, rook.config)
    with rook.reading() as session:
        return [store.info(row, store.opened(vault, row)) for row in store.rows(session)]


@dual
def update(rook: Rook, credential: str, /, *, revision: int | None = None, **parts: Any) -> CredentialInfo:
    """Change what is given of name, username, password, private_key, enable, tags, priority, description.

    With `revision`, only when nobody has changed it since it was that. A new secret is given a new chance.
    Raises CredentialNotFound, CredentialChanged, and what `create` raises.
    """
    unknown = set(parts) - {"name", "username", "tags", "priority", "description", *SECRETS}
    if unknown:
        raise CredentialNotValid(f"A credential has no {', '.join(sorted(unknown))}.")
    vault = rook.offload(open_vault, rook.config)
    with rook.transaction() as session:
        row = store.row_of(session, credential, for_update=True)
        if revision is not None and revision != row.revision:
            raise CredentialChanged
        before = store.opened(vault, row)
        secret = msgspec.structs.replace(before, **{key: parts[key] for key in SECRETS if key in parts})
        changed = _write(row, parts)
        check(row.name, row.username, secret, row.priority, row.description)
        if secret != before:
            row.secret, row.failed_in_row = store.sealed(vault, secret, row.id), 0
            changed = (*changed, "secret")
        if row.name.lower() != row.called:
            _rename(session, row)
        if changed:
            row.revision, row.updated_us = row.revision + 1, now_us()
            rook.emit(CredentialUpdated(row.name, row.id, changed))
        return store.info(row, secret)


def _write(row: Credential, parts: dict[str, Any]) -> tuple[str, ...]:
    wanted = {key: value for key, value in parts.items() if key not in SECRETS}
    if "tags" in wanted:
        wanted["tags"] = _tags(wanted["tags"])
    changed = {key: value for key, value in wanted.items() if getattr(row, key) != value}
    for key, value in changed.items():
        setattr(row, key, value)
    return tuple(changed)


def _rename(session: Any, row: Credential) -> None:
    called = row.name.lower()
    if any(other.called == called and other.id != row.id for other in store.rows(session)):
        raise CredentialExists(f"There is a credential {row.name} already.")
    row.called = called


def _tags(tags: tuple[str, ...]) -> str:
    """Without tags of its own it has the default one; with some, only those."""
    given = [tag for tag in valid_tags(tags) if tag != DEFAULT_TAG or DEFAULT_TAG in tags]
    return msgspec.json.encode(given or [DEFAULT_TAG]).decode()


@dual
def delete(rook: Rook, /, name: str) -> None:
    """Forget a login. Raises CredentialNotFound."""
    with rook.transaction() as session:
        row = store.row_of(session, name, for_update=True)
        store.remove(session, row.id)
        rook.emit(CredentialDeleted(row.name, row.id))


@dual
def reveal(rook: Rook, /, name: str, reason: str) -> Secret:
    """The secrets of a login; that they were seen, by whom and why, is audited first.

    Raises CredentialNotFound, CredentialNotValid without a reason, SealBroken.
    """
    if not reason.strip():
        raise CredentialNotValid("Say why: the reason is kept in the audit log.")
    vault = rook.offload(open_vault, rook.config)
    with rook.transaction() as session:
        row = store.row_of(session, name)
        secret = store.opened(vault, row)
        rook.emit(CredentialRevealed(row.name, row.id, reason.strip()))
    return secret


@dual
def fitting_device(rook: Rook, /, device: str) -> list[CredentialInfo]:
    """The credentials that would be tried on a device, in this order. Raises DeviceNotFound, SealBroken."""
    return fitting(list_(rook), devices.get(rook, device).tags)


@dual
def opened(rook: Rook, /) -> list[Opened]:
    """Every credential with its secrets, for logging in. Raises SealBroken."""
    vault = rook.offload(open_vault, rook.config)
    with rook.reading() as session:
        found = [(row, store.opened(vault, row)) for row in store.rows(session)]
    for _, secret in found:
        _hide(secret)
    return [Opened(store.info(row, secret), secret) for row, secret in found]


def _hide(secret: Secret) -> None:
    """What is about to be told to devices appears in no log and no error."""
    for text in (secret.password, secret.enable, secret.private_key):
        if text:
            register_secret(text)


@dual
def note_use(rook: Rook, /, credential_id: str, *, was_taken: bool) -> None:
    """Count what a device said to a credential; one that was deleted meanwhile is forgotten."""
    store.note_use(rook, credential_id, was_taken=was_taken)


@dual
def rotate_key(rook: Rook, /, *, reseal_only: bool = False) -> int:
    """Seal every credential with a new key; how many there are. `backups.rotate_out` forgets the old one.

    May be broken off at any moment: until then both keys open. With `reseal_only` the key in use is that
    of the settings already. Raises ConfigError, VaultKeyUnusable, SealBroken.
    """
    if not reseal_only:
        rook.offload(add_key, rook.config)
    vault = rook.offload(open_vault, rook.config)
    with rook.transaction() as session:
        rows = [row for row in store.rows(session) if not vault.is_current(row.secret)]
        for row in rows:
            row.secret = store.sealed(vault, store.opened(vault, row), row.id)
        rook.emit(VaultKeyRotated("credentials", len(rows)))
    return len(rows)

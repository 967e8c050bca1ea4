"""Settings in the database: what was set or declared there, and what it was before."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.base.config import DEFAULT, Config, origin_of, settings, with_values
from rookery.base.errors import ConfigError
from rookery.base.ids import new_id
from rookery.domains.settings.models import SettingChange, StoredSetting
from rookery.domains.settings.rules import Declared, of_rookery
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.store import sql

log = logging.getLogger(__name__)

_ADD = """
    INSERT INTO setting (key, kind, default_value, description, revision, updated_us, updated_by)
    VALUES (:key, :kind, :default_value, :description, :revision, :now, :actor)
    ON CONFLICT (key) DO NOTHING RETURNING key"""


def configured(session: Session, base: Config) -> Config:
    """A configuration with what is set in the database, where neither file nor variable decides.

    What was valid when it was set, and is not any more, is left out, and said.
    """
    found = select(StoredSetting.key, StoredSetting.value).where(
        StoredSetting.kind.is_(None), StoredSetting.value.is_not(None)
    )
    values: dict[str, Any] = {}
    for key, value in session.execute(found):
        if _may_be_set(base, key):
            try:
                values[key] = of_rookery(key, msgspec.json.decode(value or ""))
            except ConfigError as error:
                log.warning("what is set in the database is not used: %s", error)
    return with_values(base, values) if values else base


def _may_be_set(base: Config, key: str) -> bool:
    known = settings().get(key)
    return known is not None and known.is_runtime and origin_of(base, key) == DEFAULT


@dual_read
def rows(session: Session, /) -> Sequence[StoredSetting]:
    """All that was set or declared."""
    return session.scalars(select(StoredSetting)).all()


def locked(session: Session, key: str) -> StoredSetting | None:
    """The row of a setting, nobody else's until this transaction ends."""
    return session.scalar(_of(key).with_for_update())


def _of(key: str) -> Select[StoredSetting]:
    return select(StoredSetting).where(StoredSetting.key == key)


def locked_own(session: Session, key: str, actor: str) -> StoredSetting:
    """The row of one of Rookery's settings, made when there is none yet."""
    _insert(session, actor, {"key": key, "kind": None, "default_value": None, "description": ""})
    return session.scalars(_of(key).with_for_update()).one()


def declare(session: Session, declared: Declared, actor: str) -> bool:
    """Add a setting of people's own; False when there is one of this key."""
    default = encoded(declared.default)
    values = {"kind": declared.kind, "default_value": default, "description": declared.description}
    is_new = _insert(session, actor, {"key": declared.key, **values})
    if is_new:
        note(session, declared.key, _next_revision(session, declared.key), None, None, actor)
    return is_new


def _insert(session: Session, actor: str, values: dict[str, Any]) -> bool:
    revision = _next_revision(session, values["key"]) if values["kind"] else 0
    more = {"revision": revision, "now": now_us(), "actor": actor}
    return sql.run(session.connection(), _ADD, values | more).first() is not None


def _next_revision(session: Session, key: str) -> int:
    """Versions go on where an earlier setting of this key ended."""
    newest = session.scalar(select(func.max(SettingChange.revision)).where(SettingChange.key == key))
    return (newest or 0) + 1


def put(session: Session, row: StoredSetting, value: str | None, actor: str) -> None:
    """Give a setting a value, as JSON, or its default back; and remember what it was."""
    old, row.value = row.value, value
    touch(row, actor)
    note(session, row.key, row.revision, old, value, actor)


def touch(row: StoredSetting, actor: str) -> None:
    """It is changed now, by somebody."""
    row.revision, row.updated_us, row.updated_by = row.revision + 1, now_us(), actor


def note(session: Session, key: str, revision: int, old: str | None, new: str | None, actor: str) -> None:
    """Remember a change."""
    session.add(
        SettingChange(id=new_id(), key=key, revision=revision, old=old, new=new, at_us=now_us(), actor=actor)
    )
    session.flush()


@dual
def remove(session: Session, /, key: str) -> None:
    """Delete a setting; its history stays."""
    session.execute(delete(StoredSetting).where(StoredSetting.key == key))


@dual_read
def changes(session: Session, /, key: str, limit: int = 100) -> Sequence[SettingChange]:
    """What a setting was, newest first."""
    wanted = select(SettingChange).where(SettingChange.key == key)
    return session.scalars(wanted.order_by(SettingChange.revision.desc()).limit(limit)).all()


def encoded(value: Any) -> str:
    """A value as it is stored."""
    return msgspec.json.encode(value, enc_hook=str).decode()

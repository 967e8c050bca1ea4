"""What people do with settings: look at them, set them back and forth, and declare their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from rookery.base.config import DEFAULT, origin_of, settings
from rookery.domains.settings import store
from rookery.domains.settings.document import ChangeInfo, SettingInfo, change_info, infos
from rookery.domains.settings.errors import (
    SettingChanged,
    SettingExists,
    SettingFixed,
    SettingNotFound,
)
from rookery.domains.settings.events import (
    SettingCreated,
    SettingDeleted,
    SettingRedeclared,
    SettingUpdated,
)
from rookery.domains.settings.models import StoredSetting
from rookery.domains.settings.rules import (
    Declared,
    Kind,
    did_you_mean,
    masked,
    of_kind,
    of_rookery,
    unknown,
    valid,
)
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook


@dual
def by_key(rook: Rook, /) -> dict[str, SettingInfo]:
    """Every setting by its key, read at one moment: Rookery's in the reference's order, then the declared."""
    with rook.reading() as session:
        return infos(rook.config, store.configured(session, rook.config), store.rows(session))


@dual
def list_(rook: Rook, /) -> list[SettingInfo]:
    """Every setting."""
    return list(by_key(rook).values())


@dual
def by_category(rook: Rook, /, category: str) -> list[SettingInfo]:
    """The settings of a category: what is before the dot. Raises SettingNotFound, which names the nearest."""
    every = list_(rook)
    found = [each for each in every if each.category == category]
    if not found:
        known = dict.fromkeys(each.category for each in every)
        raise SettingNotFound(f"There are no settings in {category[:80]}; {did_you_mean(category, known)}")
    return found


@dual
def get(rook: Rook, /, key: str) -> SettingInfo:
    """A setting as it holds now. Raises SettingNotFound, which names the nearest."""
    every = by_key(rook)
    if key not in every:
        raise unknown(key, every)
    return every[key]


@dual
def value(rook: Rook, /, key: str) -> Any:
    """What a setting is now, a secret masked. Raises SettingNotFound."""
    return get(rook, key).value


@dual
def update_value(rook: Rook, /, key: str, value: Any, *, revision: int | None = None) -> SettingInfo:
    """Set a setting in the database, for all that share it; a text may spell out a number or list.

    With `revision`, only when it was changed so often, 0 being never. Raises SettingNotFound,
    SettingFixed, SettingChanged, and an Invalid that says what is allowed.
    """
    with rook.transaction() as session:
        row = _changeable(rook, session, key)
        typed = of_kind(key, row.kind, value) if row.kind else of_rookery(key, value)
        _put(rook, session, row, typed, revision)
    return get(rook, key)


@dual
def unset(rook: Rook, /, key: str, *, revision: int | None = None) -> SettingInfo:
    """Give a setting its default back. Raises SettingNotFound, SettingFixed, SettingChanged."""
    with rook.transaction() as session:
        _put(rook, session, _changeable(rook, session, key), None, revision)
    return get(rook, key)


def _changeable(rook: Rook, session: Session, key: str) -> StoredSetting:
    """The row of a setting that may be changed. Raises SettingNotFound, SettingFixed."""
    own = settings().get(key)
    if own is None:
        return _declared(session, key)
    origin = origin_of(rook.config, key)
    if origin != DEFAULT:
        raise SettingFixed(f"{key} is fixed by {origin}: change it there, or take it out.")
    if not own.is_runtime:
        raise SettingFixed(f"{key} is read when Rookery starts: set it in a file, or as {own.variable}.")
    return store.locked_own(session, key, rook.actor)


def _declared(session: Session, key: str) -> StoredSetting:
    row = store.locked(session, key)
    if row is None or row.kind is None:
        raise SettingNotFound(
            f"There is no setting {key[:80]}: `rookery settings list` shows those there are."
        )
    return row


def _put(rook: Rook, session: Session, row: StoredSetting, value: Any, expected: int | None) -> None:
    _refuse_stale(row, expected)
    text = None if value is None else store.encoded(value)
    if text == row.value:
        return
    old = None if row.value is None else msgspec.json.decode(row.value)
    store.put(session, row, text, rook.actor)
    rook.emit(SettingUpdated(row.key, row.revision, masked(row.key, old), masked(row.key, value)))


def _refuse_stale(row: StoredSetting, expected: int | None) -> None:
    if expected is not None and expected != row.revision:
        raise SettingChanged(f"{row.key} is at revision {row.revision}, not {expected}: look at it again.")


@dual
def create(
    rook: Rook, /, key: str, kind: Kind = "text", default: Any = "", *, description: str = ""
) -> SettingInfo:
    """Declare a setting of one's own, `category.name`. Raises SettingNotValid, SettingExists."""
    declared = valid(Declared(key=key, kind=kind, default=default, description=description))
    with rook.transaction() as session:
        if not _create(rook, session, declared):
            raise SettingExists(f"There is a setting {key} already.")
    return get(rook, key)


@dual
def initialise(rook: Rook, /, declared: Iterable[Declared]) -> list[str]:
    """Declare what is not there yet, and leave alone what is: for a program that brings settings along.

    Returns the keys of those that are new. Raises SettingNotValid before any is.
    """
    wanted = [valid(each) for each in declared]
    with rook.transaction() as session:
        return [each.key for each in wanted if _create(rook, session, each)]


def _create(rook: Rook, session: Session, declared: Declared) -> bool:
    is_new = store.declare(session, declared, rook.actor)
    if is_new:
        default = masked(declared.key, declared.default)
        rook.emit(SettingCreated(declared.key, declared.kind, default))
    return is_new


@dual
def update(
    rook: Rook,
    /,
    key: str,
    *,
    default: Any = None,
    description: str | None = None,
    revision: int | None = None,
) -> SettingInfo:
    """Describe a declared setting otherwise, or give it another default; what is not given stays.

    Raises SettingNotFound, SettingNotValid, SettingChanged.
    """
    with rook.transaction() as session:
        row = _declared(session, key)
        _refuse_stale(row, revision)
        before = Declared(
            key=key, kind=row.kind, default=msgspec.json.decode(row.default_value or ""),  # type: ignore[arg-type]
            description=row.description,
        )  # fmt: skip
        changes = {"default": default, "description": description}
        given = {name: each for name, each in changes.items() if each is not None}
        after = valid(msgspec.structs.replace(before, **given))
        if after != before:
            row.default_value, row.description = store.encoded(after.default), after.description
            store.touch(row, rook.actor)
            rook.emit(SettingRedeclared(key, row.revision, masked(key, after.default)))
    return get(rook, key)


@dual
def delete(rook: Rook, /, key: str, *, revision: int | None = None) -> None:
    """Forget a declared setting; its history stays. Raises SettingNotFound, SettingFixed, SettingChanged."""
    if key in settings():
        raise SettingFixed(f"{key} is Rookery's own: `rookery settings unset {key}` gives its default back.")
    with rook.transaction() as session:
        row = _declared(session, key)
        _refuse_stale(row, revision)
        store.put(session, row, None, rook.actor)
        store.remove(session, key)
        rook.emit(SettingDeleted(key, row.revision))


@dual
def history(rook: Rook, /, key: str, limit: int = 100) -> list[ChangeInfo]:
    """What a setting was, and who changed it when, newest first. Raises SettingNotFound."""
    changes = [change_info(row) for row in store.changes(rook, key, limit)]
    if not changes:
        get(rook, key)
    return changes

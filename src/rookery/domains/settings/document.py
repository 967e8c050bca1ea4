"""Settings and their history as programs see them; times are UTC, secrets are masked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from rookery.base.clock import from_us
from rookery.base.config import DEFAULT, Config, effective, origin_of, settings
from rookery.base.config_values import Setting
from rookery.domains.settings.models import SettingChange, StoredSetting
from rookery.domains.settings.rules import category_of, in_words, masked

DATABASE = "database"


class SettingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A setting as it holds now. `origin` is a file's line, a variable, `argument`, `database` or `default`.

    One that `is_fixed` cannot be changed while Rookery runs: a file, variable or argument decides, or it is
    not of those that can (`is_runtime`). `revision` counts its changes in the database; `is_declared` is true
    of those that people have made.
    """

    key: str
    value: Any
    default: Any
    origin: str
    category: str
    description: str
    allowed: str
    is_runtime: bool
    is_fixed: bool
    is_declared: bool
    revision: int
    updated: datetime | None
    updated_by: str | None


class ChangeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a setting was before and after a change, in JSON's types, and who made it; None: its default."""

    key: str
    revision: int
    old: Any
    new: Any
    at: datetime
    actor: str


def infos(base: Config, now: Config, rows: Iterable[StoredSetting]) -> dict[str, SettingInfo]:
    """Every setting by its key: of files and variables, as it is with the database, and what that holds."""
    stored = {row.key: row for row in rows}
    values = effective(now)
    own = {key: _own(base, setting, values[key], stored.get(key)) for key, setting in settings().items()}
    return own | {key: _declared(row) for key, row in sorted(stored.items()) if row.kind is not None}


def _own(base: Config, setting: Setting, value: Any, row: StoredSetting | None) -> SettingInfo:
    origin = origin_of(base, setting.key)
    is_set = setting.is_runtime and origin == DEFAULT and row is not None and row.value is not None
    return SettingInfo(
        key=setting.key,
        value=_plain(masked(setting.key, value)),
        default=_plain(setting.default),
        origin=DATABASE if is_set else origin,
        category=category_of(setting.key),
        description=setting.description,
        allowed=setting.allowed,
        is_runtime=setting.is_runtime,
        is_fixed=origin != DEFAULT or not setting.is_runtime,
        is_declared=False,
        **_changed(row),
    )


def _declared(row: StoredSetting) -> SettingInfo:
    default = msgspec.json.decode(row.default_value or "null")
    value = default if row.value is None else msgspec.json.decode(row.value)
    return SettingInfo(
        key=row.key,
        value=masked(row.key, value),
        default=masked(row.key, default),
        origin=DEFAULT if row.value is None else DATABASE,
        category=category_of(row.key),
        description=row.description,
        allowed=in_words(row.kind or ""),
        is_runtime=True,
        is_fixed=False,
        is_declared=True,
        **_changed(row),
    )


def _changed(row: StoredSetting | None) -> dict[str, Any]:
    if row is None or not row.revision:
        return {"revision": 0, "updated": None, "updated_by": None}
    return {"revision": row.revision, "updated": from_us(row.updated_us), "updated_by": row.updated_by}


def _plain(value: Any) -> Any:
    """In JSON's types."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value


def change_info(row: SettingChange) -> ChangeInfo:
    """A change from its row."""
    return ChangeInfo(
        key=row.key,
        revision=row.revision,
        old=_decoded(row.key, row.old),
        new=_decoded(row.key, row.new),
        at=from_us(row.at_us),
        actor=row.actor,
    )


def _decoded(key: str, text: str | None) -> Any:
    return None if text is None else masked(key, msgspec.json.decode(text))

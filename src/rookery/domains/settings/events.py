"""What settings announce, after the commit. Secrets within values are masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SettingCreated:
    """There is a setting of people's own, of this kind, with this default."""

    setting: str
    kind: str
    default: Any


@dataclass(frozen=True)
class SettingUpdated:
    """A setting has another value; None is its default."""

    setting: str
    revision: int
    old: Any
    new: Any


@dataclass(frozen=True)
class SettingRedeclared:
    """A setting of people's own is described otherwise, or has another default."""

    setting: str
    revision: int
    default: Any


@dataclass(frozen=True)
class SettingDeleted:
    """There was a setting of people's own."""

    setting: str
    revision: int


EVENTS = (SettingCreated, SettingUpdated, SettingRedeclared, SettingDeleted)

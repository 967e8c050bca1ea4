"""Versions, as they are stored."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from rookery.base.clock import from_us
from rookery.domains.backups.errors import VersionNotFound
from rookery.domains.backups.models import ConfigurationVersion, CurrentConfiguration
from rookery.domains.devices.models import Device
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.store import sql

COMPRESSION = 1
"""zlib's level: of text that repeats itself, 6 saves a tenth more and takes four times as long."""


class VersionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A version without its text: valid from `taken` until `seen`, at least; times are aware, in UTC."""

    id: str
    device: str
    device_id: str
    number: int
    platform: str
    taken: datetime
    seen: datetime
    lines: int
    size: int
    added: int
    removed: int
    actor: str
    digest: str


class Current(NamedTuple):
    """The newest version of a device, with its masked text, packed."""

    device: str
    number: int
    content: bytes


class Newest(NamedTuple):
    """What of a device's newest version is needed to tell whether the next one differs."""

    id: str
    number: int
    digest: str
    lines: int


def version_info(row: ConfigurationVersion) -> VersionInfo:
    """A row, read."""
    return VersionInfo(
        taken=from_us(row.taken_us), seen=from_us(row.seen_us), **{name: getattr(row, name) for name in _SAME}
    )


_SAME = (
    *("id", "device", "device_id", "number", "platform", "lines", "size", "added", "removed", "actor"),
    "digest",
)


@dual_read
def newest(session: Session, /, device_id: str) -> Newest | None:
    """The newest version of a device, if there is one."""
    row = sql.run(session.connection(), _NEWEST, {"device_id": device_id}).one_or_none()
    return None if row is None else Newest(*row)


_NEWEST = """
    SELECT id, number, digest, lines FROM configuration_version WHERE device_id = :device_id
    ORDER BY number DESC LIMIT 1"""
_COLUMNS = tuple(column.name for column in ConfigurationVersion.__table__.columns)
_ADD = (
    f"INSERT INTO configuration_version ({', '.join(_COLUMNS)}) "  # noqa: S608  our own names
    f"VALUES ({', '.join(f':{name}' for name in _COLUMNS)})"
)
_POINT = """
    INSERT INTO current_configuration (device_id, version_id) VALUES (:device_id, :id)
    ON CONFLICT (device_id) DO UPDATE SET version_id = excluded.version_id"""
_CONFIRM = "UPDATE configuration_version SET seen_us = :seen WHERE id = :id"


@dual
def add(session: Session, /, version: Mapping[str, Any]) -> None:
    """Store a new version, by its columns: it is the current one from now on."""
    sql.run(session.connection(), _ADD, version)
    sql.run(session.connection(), _POINT, {name: version[name] for name in ("device_id", "id")})


@dual
def confirm(session: Session, /, version_id: str, seen_us: int) -> None:
    """The version was still valid then."""
    sql.run(session.connection(), _CONFIRM, {"id": version_id, "seen": seen_us})


@dual_read
def versions(
    session: Session, /, device: str, *, limit: int = 100, before: int | None = None
) -> list[VersionInfo]:
    """The versions of a device by its name or id, the newest first; `before` goes on below a number.

    Of a device that is no longer in the inventory, those it had. Raises VersionNotFound when there are none.
    """
    table = ConfigurationVersion
    query = select(table).where(table.device_id == _device_id(session, device))
    if before is not None:
        query = query.where(table.number < before)
    found = [version_info(row) for row in session.scalars(query.order_by(table.number.desc()).limit(limit))]
    if not found and before is None:
        raise VersionNotFound(f"{device[:80]} has never been backed up: rookery backup {device[:80]}")
    return found


@dual_read
def get(
    session: Session, /, device: str, number: int | None = None, *, at: datetime | None = None
) -> VersionInfo:
    """A version of a device: the newest, that of a number, or the one that was valid at a time.

    A negative number counts from the newest: -1 is the one before it. Raises VersionNotFound.
    """
    return version_info(_row(session, device, number, at))


@dual_read
def text(session: Session, /, version_id: str) -> str:
    """The masked text of a version. Raises VersionNotFound."""
    packed = session.scalar(_column(ConfigurationVersion.content, version_id))
    if packed is None:
        raise VersionNotFound
    return zlib.decompress(packed).decode()


@dual_read
def sealed(session: Session, /, version_id: str) -> bytes:
    """The sealed raw text of a version. Raises VersionNotFound."""
    packed: bytes | None = session.scalar(_column(ConfigurationVersion.raw, version_id))
    if packed is None:
        raise VersionNotFound
    return packed


def _column(column: Any, version_id: str) -> Any:
    return select(column).where(ConfigurationVersion.id == version_id)


def current(session: Session, device_ids: Sequence[str]) -> list[Current]:
    """The current version of each of these devices, a few hundred at most, by name."""
    table, pointer = ConfigurationVersion, CurrentConfiguration
    query = (
        select(table.device, table.number, table.content)
        .join(pointer, pointer.version_id == table.id)
        .where(pointer.device_id.in_(device_ids))
        .order_by(table.device)
    )
    return [Current(*row) for row in session.execute(query)]


def backed_up(session: Session, device_ids: Sequence[str]) -> set[str]:
    """Which of these devices have a current configuration."""
    pointer = CurrentConfiguration.device_id
    return set(session.scalars(select(pointer))) & set(device_ids)


def _row(session: Session, device: str, number: int | None, at: datetime | None) -> ConfigurationVersion:
    table = ConfigurationVersion
    query = select(table).where(table.device_id == _device_id(session, device))
    skip = -number if number is not None and number < 0 else 0
    if number is not None and number > 0:
        query = query.where(table.number == number)
    if at is not None:
        query = query.where(table.taken_us <= int(at.timestamp() * 1_000_000))
    row = session.scalar(query.order_by(table.number.desc()).offset(skip).limit(1))
    if row is None:
        what = (
            f"version {number}"
            if number is not None
            else f"version of {at:%Y-%m-%d %H:%M}"
            if at
            else "version"
        )
        raise VersionNotFound(f"{device[:80]} has no {what}: rookery versions {device[:80]}")
    return row


def _device_id(session: Session, device: str) -> str:
    """Of the inventory; else of the newest version that any device of this name had."""
    query = select(Device.id).where((Device.called == device.lower()) | (Device.id == device)).limit(1)
    found: str | None = session.scalar(query)
    if found is None:
        table = ConfigurationVersion
        former = select(table.device_id).where(func.lower(table.device) == device.lower())
        found = session.scalar(former.order_by(table.id.desc()).limit(1))
    return found or device


def sealed_otherwise(session: Session, mark: bytes, most: int) -> list[tuple[str, bytes]]:
    """Ids and sealed raw texts of some versions whose seal does not begin so."""
    table = ConfigurationVersion
    beginning = func.substr(table.raw, 1, len(mark))
    query = select(table.id, table.raw).where(beginning != mark).order_by(table.id).limit(most)
    return [(row[0], row[1]) for row in session.execute(query)]


def put_sealed(session: Session, version_id: str, raw: bytes) -> None:
    """Put a raw text, sealed anew, in the place of the one before."""
    statement = "UPDATE configuration_version SET raw = :raw WHERE id = :id"
    sql.run(session.connection(), statement, {"id": version_id, "raw": raw})

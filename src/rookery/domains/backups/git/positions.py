"""Up to which version each device is in the mirror, and what is not in it yet."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Engine, delete, func, or_, select

from rookery.domains.backups.models import ConfigurationVersion, CurrentConfiguration, MirroredDevice
from rookery.domains.devices.models import Device
from rookery.mechanisms.store import sql


class Position(NamedTuple):
    """The newest version of a device that is in the mirror, and where; the path is empty once it is gone."""

    number: int
    path: str


class Placed(NamedTuple):
    """Where a device's file is, and what the device is called by now; of one that is gone, nothing."""

    device_id: str
    position: Position
    device: str | None
    site: str | None


class Missing(NamedTuple):
    """A version that is not in the mirror, with its masked text, packed; its device is called so by now."""

    device_id: str
    device: str
    site: str
    number: int
    taken_us: int
    lines: int
    added: int
    removed: int
    actor: str
    content: bytes

    @property
    def text(self) -> bytes:
        """Without secrets."""
        return zlib.decompress(self.content)


def behind(engine: Engine) -> list[str]:
    """The ids of devices of the inventory whose current version is not in the mirror."""
    version, current, mirrored = ConfigurationVersion, CurrentConfiguration, MirroredDevice
    query = (
        select(current.device_id)
        .join(Device, Device.id == current.device_id)
        .join(version, version.id == current.version_id)
        .outerjoin(mirrored, mirrored.device_id == current.device_id)
        .where(or_(mirrored.number.is_(None), mirrored.number < version.number))
    )
    with engine.connect() as connection:
        return list(connection.scalars(query))


def missing(engine: Engine, device_ids: Sequence[str], most: int) -> list[Missing]:
    """Versions of these devices that are not in the mirror, oldest first.

    Those of a device are in their order, even where its clock was set back between two of them.
    """
    version, mirrored = ConfigurationVersion, MirroredDevice
    latest = func.max(version.taken_us).over(partition_by=version.device_id, order_by=version.number)
    names = ("number", "taken_us", "lines", "added", "removed", "actor", "content")
    query = (
        select(
            version.device_id, Device.name, Device.site, *(getattr(version, name) for name in names),
        )
        .join(Device, Device.id == version.device_id)
        .outerjoin(mirrored, mirrored.device_id == version.device_id)
        .where(version.device_id.in_(device_ids), version.number > func.coalesce(mirrored.number, 0))
        .order_by(latest, version.number)
        .limit(most)
    )  # fmt: skip
    with engine.connect() as connection:
        return [Missing(*row) for row in connection.execute(query)]


def placed(engine: Engine) -> list[Placed]:
    """Where the file of each device is that is in the mirror, or was."""
    mirrored = MirroredDevice
    query = (
        select(mirrored.device_id, mirrored.number, mirrored.path, Device.name, Device.site)
        .outerjoin(Device, Device.id == mirrored.device_id)
        .order_by(mirrored.path)
    )
    with engine.connect() as connection:
        return [
            Placed(id_, Position(number, path), device, site)
            for id_, number, path, device, site in connection.execute(query)
        ]


def text(engine: Engine, device_id: str, number: int) -> bytes:
    """A version, without secrets."""
    version = ConfigurationVersion
    query = select(version.content).where(version.device_id == device_id, version.number == number)
    with engine.connect() as connection:
        return zlib.decompress(connection.execute(query).scalar_one())


def forget(engine: Engine) -> None:
    """Nothing is in the mirror."""
    with engine.begin() as connection:
        connection.execute(delete(MirroredDevice))


_PUT = """
    INSERT INTO mirrored_device (device_id, number, path) VALUES (:device_id, :number, :path)
    ON CONFLICT (device_id) DO UPDATE SET number = excluded.number, path = excluded.path"""


def put(engine: Engine, positions: Mapping[str, Position]) -> None:
    """These are in the mirror now."""
    with engine.begin() as connection:
        for device_id, each in sorted(positions.items()):
            sql.run(connection, _PUT, {"device_id": device_id, **each._asdict()})

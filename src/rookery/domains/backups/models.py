"""The table of versions. Times are microseconds since 1970 UTC."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from rookery.mechanisms.store import Base


class ConfigurationVersion(Base):
    """A configuration as it was from `taken_us` until `seen_us`, at least.

    `content` is the masked text, compressed; `raw` the text as it came, of `size` bytes, compressed, sealed.
    Versions outlive their device, of which they keep the name.
    """

    __tablename__ = "configuration_version"
    __table_args__ = (Index("uq_configuration_version_number", "device_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    device: Mapped[str]
    number: Mapped[int]
    platform: Mapped[str]
    taken_us: Mapped[int]
    seen_us: Mapped[int]
    digest: Mapped[str]
    lines: Mapped[int]
    size: Mapped[int]
    added: Mapped[int]
    removed: Mapped[int]
    actor: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, deferred_raiseload=True)


class CurrentConfiguration(Base):
    """The newest version of each device, of those that are deleted as well."""

    __tablename__ = "current_configuration"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    version_id: Mapped[str]


class MirroredDevice(Base):
    """The newest version of a device that is in the Git mirror, and the path of its file there.

    The path is empty once the file is removed, which is when the device is deleted.
    """

    __tablename__ = "mirrored_device"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    path: Mapped[str]

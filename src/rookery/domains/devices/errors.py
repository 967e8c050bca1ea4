"""What can be wrong with devices and platforms.

DeviceNotFound (NotFound)
DeviceExists (Conflict)
DeviceChanged (Stale)
DeviceNotValid (Invalid)        names the field, and what is allowed
PlatformNotFound (NotFound)     names the nearest one
PlatformNotValid (Invalid)      names file and place
PlatformExists (Conflict)       nobody's own file is written over
InventoryNotValid (Invalid)     a file of devices cannot be read; names file and line
"""

from __future__ import annotations

from rookery.base.errors import Conflict, Invalid, NotFound, Stale


class DeviceNotFound(NotFound):
    """There is no such device: `rookery devices list` shows those there are."""


class DeviceExists(Conflict):
    """There is a device of that name already."""


class DeviceChanged(Stale):
    """Somebody has changed the device meanwhile: look at it again."""


class DeviceNotValid(Invalid):
    """That is no device."""


class PlatformNotFound(NotFound):
    """There is no such platform: `rookery platforms list` shows those there are."""


class PlatformNotValid(Invalid):
    """That is no platform."""


class PlatformExists(Conflict):
    """You have a platform of that name already: change its file, or choose another name."""


class InventoryNotValid(Invalid):
    """That is no list of devices."""

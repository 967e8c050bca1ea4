"""Why there is no backup, and what else can be wrong with one.

FatalError
└── NotAConfiguration            what came is none; nothing is kept of it
    ├── ConfigurationEmpty
    ├── ConfigurationTruncated   its end is missing
    └── ConfigurationShrunk      it has lost more than half of its lines
TemporaryError
├── BackedUpMeanwhile            somebody else has backed it up at the same time
└── DeviceBusy                   somebody else talks to it, and does not end
NotFound
└── VersionNotFound
NotAllowed
└── DeviceDisabled               it is not to be backed up
"""

from __future__ import annotations

from rookery.base.errors import FatalError, NotAllowed, NotFound, TemporaryError


class NotAConfiguration(FatalError):
    """What the device sent is no configuration."""


class ConfigurationEmpty(NotAConfiguration):
    """The device sent nothing: look whether this user may see the configuration."""


class ConfigurationTruncated(NotAConfiguration):
    """The end of the configuration is missing: perhaps the connection broke, or the platform is wrong."""


class ConfigurationShrunk(NotAConfiguration):
    """More than half of it is gone. If that is right: `rookery backup DEVICE --accept-shrunken`."""


class BackedUpMeanwhile(TemporaryError):
    """Somebody else has backed the device up at the same time: look at what they got, or try again."""


class DeviceBusy(TemporaryError):
    """Another process or task talks to the device, and does not end: try again when it has."""


class VersionNotFound(NotFound):
    """There is no such version: `rookery versions DEVICE` shows those there are."""


class DeviceDisabled(NotAllowed):
    """The device is disabled: `rookery devices update DEVICE --enabled`."""

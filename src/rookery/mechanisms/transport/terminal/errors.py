"""Why a device did not do what it was asked. Every message is one line and says what to do next.

TemporaryError
└── DeviceUnavailable
    ├── DeviceUnreachable      no such name, no route, nobody answers
    ├── DeviceRefused          nothing listens on that port
    ├── DeviceTimedOut         it went silent, or comes to no end; names the phase
    └── DeviceHungUp           it closed the connection in the middle
FatalError
└── DeviceRefusal
    ├── HostKeyChanged         it is another host than before, or somebody in between
    ├── HostKeyUnknown         it has never been seen, and may not be trusted at first sight
    ├── NoCommonAlgorithm      it only knows algorithms that are not used by default
    ├── LoginFailed            it does not take the credential
    ├── EnableFailed           it takes the credential, but gives no privileges
    ├── PromptNotRecognised    what it shows is not known to be a prompt; tells the last of it
    ├── CommandRejected        it does not know the command, or does not allow it
    └── OutputTooLong          it sends more than any configuration has
ConfigError
└── DriverMissing              a platform wants a library that is not installed
Invalid
└── DriverUnfit                that library does not know the kind of device, or the way to it
"""

from __future__ import annotations

from rookery.base.errors import ConfigError, FatalError, Invalid, TemporaryError


class DeviceUnavailable(TemporaryError):
    """The device cannot be talked to now."""


class DeviceUnreachable(DeviceUnavailable):
    """The device cannot be reached: check its address, and the way to it."""


class DeviceRefused(DeviceUnavailable):
    """Nothing listens on that port: check the port, and that the device's SSH or Telnet server is on."""


class DeviceTimedOut(DeviceUnavailable):
    """The device went silent: give it more time, or look whether it is overloaded."""


class DeviceHungUp(DeviceUnavailable):
    """The device closed the connection: perhaps all of its lines are taken."""


class DeviceRefusal(FatalError):
    """The device does not do that."""


class HostKeyChanged(DeviceRefusal):
    """The device has another host key than before: if it was replaced, forget the old one; if not, beware."""


class HostKeyUnknown(DeviceRefusal):
    """The device's host key is not known: trust it first."""


class NoCommonAlgorithm(DeviceRefusal):
    """The device only knows old algorithms: allow those for this device."""


class LoginFailed(DeviceRefusal):
    """The device does not take this login: check user name and password."""


class EnableFailed(DeviceRefusal):
    """The device gives no privileges: check the enable secret, or what the user may do."""


class PromptNotRecognised(DeviceRefusal):
    """What the device shows is not known to be a prompt: check its platform."""


class CommandRejected(DeviceRefusal):
    """The device does not take the command: check its platform, and what the user may do."""


class OutputTooLong(DeviceRefusal):
    """The device sends more than any configuration has: check the commands of its platform."""


class DriverMissing(ConfigError):
    """The device's platform wants netmiko: pip install 'rookery[netmiko]'"""


class DriverUnfit(Invalid):
    """netmiko cannot do that: check the platform's device_type, or use a platform without it."""

"""What can be wrong with settings.

SettingNotFound (NotFound)      names the nearest
SettingExists (Conflict)
SettingChanged (Stale)          its revision is not the expected one
SettingNotValid (Invalid)       a key or value is not as it must be; the message says what would be
SettingFixed (NotAllowed)       names the file or variable that decides
"""

from __future__ import annotations

from rookery.base.errors import Conflict, Invalid, NotAllowed, NotFound, Stale


class SettingNotFound(NotFound):
    """There is no such setting: `rookery settings list` shows those there are."""


class SettingExists(Conflict):
    """There is a setting of that key already."""


class SettingChanged(Stale):
    """Somebody has changed the setting meanwhile: look at it again."""


class SettingNotValid(Invalid):
    """That is no setting."""


class SettingFixed(NotAllowed):
    """That setting cannot be changed while Rookery runs: set it in a file or variable, and start it anew."""

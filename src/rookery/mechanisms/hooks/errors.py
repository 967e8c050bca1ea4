"""What can be wrong with a hook.

HookError                 a hook module or a setting cannot be used; names file, function and remedy
└── WrongResult           a hook returned something its event has no use for
"""

from __future__ import annotations

from rookery.base.errors import Invalid


class HookError(Invalid):
    """The hook module cannot be used."""


class WrongResult(HookError):
    """The hook returned something its event has no use for."""

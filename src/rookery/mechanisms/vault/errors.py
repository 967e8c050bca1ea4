"""What can be wrong with sealed secrets.

VaultUnusable (Unavailable)
├── VaultKeyUnusable the key cannot be read; names where it should be
└── SealBroken       sealed with a key that is not here, or changed since
"""

from __future__ import annotations

from rookery.base.errors import Unavailable


class VaultUnusable(Unavailable):
    """Secrets cannot be read."""


class VaultKeyUnusable(VaultUnusable):
    """The key of the vault cannot be used: restore it from a backup of the data directory."""


class SealBroken(VaultUnusable):
    """A secret was sealed with a key that is not here, or has been changed: restore the vault's key."""

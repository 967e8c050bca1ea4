"""What can be wrong with credentials.

CredentialNotFound (NotFound)
CredentialExists (Conflict)
CredentialChanged (Stale)
CredentialNotValid (Invalid)     names the part, and what is allowed
NoCredential (FatalError)        none fits the device, or those that do are paused; says what to do
"""

from __future__ import annotations

from rookery.base.errors import Conflict, FatalError, Invalid, NotFound, Stale


class CredentialNotFound(NotFound):
    """There is no such credential: `rookery credentials list` shows those there are."""


class CredentialExists(Conflict):
    """There is a credential of that name already."""


class CredentialChanged(Stale):
    """Somebody has changed the credential meanwhile: look at it again."""


class CredentialNotValid(Invalid):
    """That is no credential."""


class NoCredential(FatalError):
    """No credential fits the device: `rookery credentials add NAME --tag TAG`, with one of its tags."""

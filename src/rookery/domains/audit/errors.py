"""What can go wrong in the audit log.

RookeryError
├── Invalid
│   ├── UnknownEventType    the message names it and the nearest one
│   ├── EntryNotValid       a field that cannot be stored as it is
│   └── NotAnExport         a file that `rookery audit export` did not write
├── NotFound ── EntryNotFound
├── Unavailable
│   ├── KeyUnusable         the signing key, or a public key, cannot be used
│   └── EntriesWaiting      what was recorded is safe in the spool, but the database does not take it
├── Closed ── AuditClosed           record() after close()
└── LogBroken                       verification found that the log is not what was written; exit 1
"""

from __future__ import annotations

from rookery.base.errors import Closed, Invalid, NotFound, RookeryError, Unavailable


class UnknownEventType(Invalid):
    """No such event type has been registered."""


class EntryNotValid(Invalid):
    """The audit entry cannot be stored as it is."""


class NotAnExport(Invalid):
    """This is not a file that `rookery audit export` wrote."""


class EntryNotFound(NotFound):
    """There is no audit entry with this id: see `rookery audit list`."""


class KeyUnusable(Unavailable):
    """The audit key cannot be used."""


class EntriesWaiting(Unavailable):
    """They are safe in the spool, and stored when the database takes them again: see `rookery doctor`."""


class AuditClosed(Closed):
    """The audit log has been closed and records nothing more."""


class LogBroken(RookeryError):
    """The audit log is not what was written."""

"""What can go wrong with templates. A file that is no template is the engine's TemplateError.

NotFound
├── TemplatesNotFound     no such file or folder
├── TemplateNotFound      no template has this id
└── NothingToRollBack     no set of templates was installed before
NotAllowed
└── SignatureRefused      the policy of signatures keeps a template out
Invalid
├── NoTemplates           there are files, but none that can be run
├── TrustedKeyUnusable    a key that should be trusted is none
└── SourceRefused         what should be synced is no folder or archive of templates, or is not safe to unpack
Unavailable
└── SyncFailed            the templates could not be written
"""

from __future__ import annotations

from rookery.base.errors import Invalid, NotAllowed, NotFound, Unavailable


class TemplatesNotFound(NotFound):
    """There is no such template file or folder."""


class TemplateNotFound(NotFound):
    """No template has this id. `rookery templates list` shows the ids."""


class NothingToRollBack(NotFound):
    """No other set was installed before. To have the shipped templates alone, remove DATA_DIR/templates."""


class SignatureRefused(NotAllowed):
    """The template is not signed by a trusted key, and templates.unsigned is refuse."""

    def __init__(self, reason: str, *, path: str) -> None:
        self.reason = reason
        super().__init__(f"{path}: {reason}; templates.unsigned is refuse")


class NoTemplates(Invalid):
    """None of the templates can be run."""


class TrustedKeyUnusable(Invalid):
    """The file holds no ECDSA public key or certificate (PEM), so templates.trusted_keys cannot name it."""


class SourceRefused(Invalid):
    """Nothing was synced: that is not a folder or archive (zip, tar) of templates."""


class SyncFailed(Unavailable):
    """The templates could not be written; those that were there still are."""

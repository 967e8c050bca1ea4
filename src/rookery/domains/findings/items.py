"""What a scan emits about a weakness: a sighting, which the hook turns into a finding."""

from __future__ import annotations

import msgspec

from rookery.domains.findings.rules import finding_id, fingerprint
from rookery.mechanisms.hooks import Item


class Vulnerability(Item):
    """One sighting of a weakness.

    `severity` is nuclei's word, `matched_at` the URL that showed it, `extracted` what the template read from
    the answer. `fingerprint` and `finding_id` say which finding it is a sighting of.
    """

    _identity = ("fingerprint",)

    template_id: str
    name: str
    severity: str
    target: str
    matched_at: str
    matcher: str = ""
    extracted: list[str] = msgspec.field(default_factory=list)
    description: str = ""
    remediation: str = ""
    reference: list[str] = msgspec.field(default_factory=list)
    tags: list[str] = msgspec.field(default_factory=list)
    run_id: str = ""
    fingerprint: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.fingerprint:
            self.fingerprint = fingerprint(self.template_id, self.matcher, self.matched_at)

    @property
    def finding_id(self) -> str:
        """The id of the finding this is a sighting of."""
        return finding_id(self.fingerprint)

"""What running a template comes to: its matches, and what could not be found out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.mechanisms.engine.template import Template


@dataclass(frozen=True, slots=True)
class Match:
    """One result of one template: what matched, where, and the bounded evidence. All text is Unicode.

    `meta` are the payloads it was found with, `kind` the protocol, `address` the IP address that answered, as
    far as it is known, `curl` a command that asks the same, for http."""

    template: Template
    matched_at: str
    matcher_name: str = ""
    extractor_name: str = ""
    extracted: tuple[str, ...] = ()
    request: str = ""
    response: str = ""
    kind: str = "http"
    meta: dict[str, str] = field(default_factory=dict)
    address: str = ""
    curl: str = ""

    @property
    def template_id(self) -> str:
        """The id of the template that matched."""
        return self.template.id


@dataclass(slots=True)
class Outcome:
    """What an execution came to. `failed` says what came to no end, so that nothing is known of it; `unsent`,
    what there was no reason to send."""

    matches: list[Match] = field(default_factory=list)
    sent: int = 0
    unsent: list[str] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take in what another execution came to."""
        self.matches += other.matches
        self.sent += other.sent
        self.unsent += other.unsent
        self.failed += other.failed

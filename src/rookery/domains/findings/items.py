"""What a scan emits about a weakness: a sighting, which the hook turns into a finding."""

from __future__ import annotations

from typing import Any

import msgspec

from rookery.domains.findings import evidence
from rookery.domains.findings.places import place_of
from rookery.domains.findings.rules import DEFAULT_PROJECT, finding_id, fingerprint
from rookery.mechanisms.hooks import Item

NOT_EMPTIED = frozenset(
    {"template_sha256", "ip", "description", "impact", "remediation", "reference", "tags"}
    | {"cve", "cwe", "cvss_vector", "cvss_score"}
)
"""What a later sighting that says less does not take away."""


class Vulnerability(Item):
    """One sighting of a weakness, by whatever tool.

    `severity` is nuclei's word; `type` the protocol it was seen over (http, dns, tcp, ssl, file, …); `target`
    what was scanned (`scheme://host:port`, `host:port`, a path), `matched_at` the URL, `host:port`, file or
    name that showed it. `scheme`, `host`, `port` and `path` are those of `matched_at` unless given. `matcher`
    is the name of the matcher or extractor, `extracted` what the template read from the answer, `meta` the
    payload values. `request`, `response` and `curl` are evidence, cut and redacted here, at birth.

    `cve` and `cwe` are lists of `CVE-2024-1`, `CWE-79`; `cvss_score` is 0 to 10, `epss` and `epss_percentile`
    0 to 1; None is unknown. `engine` names the tool and its version, `template_sha256` the template's text,
    `run_id` the run that saw it; a sighting without a run counts for none. `fingerprint` and `finding_id` say
    which finding it is a sighting of.
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
    impact: str = ""
    remediation: str = ""
    reference: list[str] = msgspec.field(default_factory=list)
    tags: list[str] = msgspec.field(default_factory=list)
    type: str = "http"
    scheme: str = ""
    host: str = ""
    port: int = 0
    path: str = ""
    ip: str = ""
    cve: list[str] = msgspec.field(default_factory=list)
    cwe: list[str] = msgspec.field(default_factory=list)
    cvss_vector: str = ""
    cvss_score: float | None = None
    epss: float | None = None
    epss_percentile: float | None = None
    kev: bool = False
    request: str = ""
    response: str = ""
    curl: str = ""
    meta: dict[str, Any] = msgspec.field(default_factory=dict)
    engine: str = "embedded"
    template_sha256: str = ""
    project_id: str = DEFAULT_PROJECT
    run_id: str = ""
    fingerprint: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.fingerprint:
            self.fingerprint = fingerprint(
                self.template_id, self.matcher, self.matched_at, kind=self.type, project_id=self.project_id
            )
        if not (self.host or self.path):
            self.scheme, self.host, self.port, self.path = place_of(self.matched_at, self.type)
        if self.request or self.response or self.curl:
            self._keep_evidence()

    def _keep_evidence(self) -> None:
        self.request = evidence.kept(self.request)
        self.response = evidence.kept_answer(self.response)
        self.curl = evidence.kept_command(self.curl)

    @property
    def finding_id(self) -> str:
        """The id of the finding this is a sighting of."""
        return finding_id(self.fingerprint)

"""What makes two sightings the same weakness, how bad it is, which states it can be in. Pure functions."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import lru_cache

from rookery.base.config import Findings as Policy
from rookery.domains.findings.places import place_of

FINGERPRINT_VERSION = "v1"
DEFAULT_PROJECT = "default"


class Severity(IntEnum):
    """How bad; nuclei's words, ordered, so that `>=` means 'at least as bad'."""

    UNKNOWN = 0
    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """The lower-case word people and templates use."""
        return self.name.lower()

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, word: str) -> Severity:
        """The severity of a template's word; anything nuclei does not know is UNKNOWN."""
        return cls.__members__.get(word.strip().upper(), cls.UNKNOWN)


class State(StrEnum):
    """What became of a finding. It is in one state at a time."""

    OPEN = "open"
    TRIAGED = "triaged"
    FALSE_POSITIVE = "false_positive"
    RISK_ACCEPTED = "risk_accepted"
    FIXED = "fixed"
    OUT_OF_SCOPE = "out_of_scope"


ACTIVE = frozenset({State.OPEN, State.TRIAGED})
"""States in which somebody has something to do; only these have a due date that counts."""
DISMISSED = frozenset({State.FALSE_POSITIVE, State.RISK_ACCEPTED, State.OUT_OF_SCOPE})
"""States a person chose, in which a finding stays when it is seen again."""

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.OPEN: frozenset({State.TRIAGED, State.FIXED}) | DISMISSED,
    State.TRIAGED: frozenset({State.OPEN, State.FIXED}) | DISMISSED,
    State.FALSE_POSITIVE: ACTIVE | DISMISSED - {State.FALSE_POSITIVE},
    State.RISK_ACCEPTED: ACTIVE | DISMISSED | {State.FIXED},
    State.FIXED: ACTIVE,
    State.OUT_OF_SCOPE: ACTIVE | DISMISSED - {State.OUT_OF_SCOPE},
}
"""Every change of state there is, by a person or by rule. An acceptance may be renewed."""

BY_RULE: Mapping[State, State] = {
    State.OPEN: State.FIXED,  # not seen where a completed check covered it
    State.TRIAGED: State.FIXED,
    State.FIXED: State.OPEN,  # seen again
    State.RISK_ACCEPTED: State.OPEN,  # the acceptance has run out
}
"""The changes that Rookery makes by itself; each says why in the history."""

DAY_US = 86_400_000_000


def may_become(state: State, new: State) -> bool:
    """Whether the transition table allows this change."""
    return new in TRANSITIONS[state]


def sources_of(new: State) -> list[State]:
    """The states from which a finding may come to `new`."""
    return [state for state in State if may_become(state, new)]


def due_us(
    severity: int, from_us: int, policy: Policy, *, kev: bool = False, kev_due_us: int = 0
) -> int | None:
    """When it should be fixed: so many days after `from_us` by its severity; None for info and unknown.

    What is known to be exploited is due after `kev_days` at the latest, and on the day that the catalogue
    sets if that is still ahead and sooner.
    """
    days = (None, None, policy.low_days, policy.medium_days, policy.high_days, policy.critical_days)[severity]
    due = None if days is None else from_us + days * DAY_US
    if not kev:
        return due
    exploited = from_us + policy.kev_days * DAY_US
    if kev_due_us > from_us:
        exploited = min(exploited, kev_due_us)
    return exploited if due is None else min(due, exploited)


@lru_cache(maxsize=4096)
def exposure_of(address: str) -> int:
    """Whence a host can be reached: 3 the internet, 2 unknown (a name), 1 its network, 0 this machine."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return 0 if address in {"localhost", ""} else 2
    if parsed.is_loopback:
        return 0
    return 3 if parsed.is_global else 1


def priority_of(*, kev: bool, severity: int, epss_percentile: float | None, exposure: int) -> int:
    """One number to sort by: exploited first, then severity, then EPSS percentile, then exposure.

    Decimal digits: `K S PPPPP E`, so that 1_5_09750_3 is exploited, critical, 97.5th percentile, internet.
    """
    return ((kev * 10 + severity) * 100_000 + round((epss_percentile or 0) * 10_000)) * 10 + exposure


@lru_cache(maxsize=16_384)
def group_id(project_id: str, template_id: str, cves: tuple[str, ...]) -> str:
    """The key of all findings of one template and its CVEs, wherever they are: 32 hex digits."""
    parts = "\0".join((project_id, template_id, *sorted(cves)))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def fingerprint(
    template_id: str, matcher: str, matched_at: str, *, kind: str = "http", project_id: str = DEFAULT_PROJECT
) -> str:
    """The identity of a weakness on a target: 64 hex digits.

    Project, template, matcher (or extractor), type, scheme, host, port and path count; of a file or a DNS
    record, its name. Severity, title, query, extracted values, address and time do not: a template that is
    re-scored, or a page that shows another version, is still the same weakness.
    """
    scheme, host, port, path = place_of(matched_at, kind)
    parts = (FINGERPRINT_VERSION, project_id, template_id, matcher, kind, scheme, host, str(port), path)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def finding_id(print_: str) -> str:
    """The id of a finding, made from its fingerprint: a UUIDv8 (RFC 9562 §5.8).

    Deterministic, so that a scan can name the finding before any storage has been asked whether it is new.
    """
    variant = "89ab"[int(print_[16], 16) & 3]
    return f"{print_[:8]}-{print_[8:12]}-8{print_[13:16]}-{variant}{print_[17:20]}-{print_[20:32]}"

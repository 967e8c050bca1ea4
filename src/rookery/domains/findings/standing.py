"""How a finding stands, and what one more sighting makes of that. Pure: store writes what is decided here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rookery.base.clock import from_us
from rookery.base.config import Findings as Policy
from rookery.base.dates import date_us
from rookery.base.ids import new_id
from rookery.domains.findings.rules import ACTIVE, DISMISSED, Severity, State, due_us

RULE = "rookery"
"""The actor of what happens by rule."""


@dataclass(slots=True)
class Standing:
    """What is decided about a finding, and what the decision rests on."""

    id: str
    state: str
    state_reason: str
    state_by: str
    state_at_us: int
    state_until_us: int | None
    needs_review: bool
    due_us: int | None
    fixed_us: int | None
    reopened_count: int
    first_seen_us: int
    last_seen_us: int
    severity: int
    kev: bool
    target: str
    extracted: str
    template_sha256: str
    cve: str


DECIDED = (
    "state",
    "state_reason",
    "state_by",
    "state_at_us",
    "state_until_us",
    "needs_review",
    "due_us",
    "fixed_us",
    "reopened_count",
)
"""The columns of a finding that a sighting's upsert leaves alone."""

Line = dict[str, Any]
"""A row of the history."""


def line(
    finding_id: str,
    kind: str,
    reason: str,
    *,
    at_us: int,
    actor: str = RULE,
    change: tuple[str, str] = ("", ""),
    run_id: str = "",
) -> Line:
    """One row of a finding's history; `change` is the states from and to."""
    return {
        "finding_id": finding_id,
        "id": new_id(),
        "at_us": at_us,
        "kind": kind,
        "actor": actor,
        "from_state": change[0],
        "to_state": change[1],
        "reason": reason,
        "run_id": run_id,
    }


def seen_again(standing: Standing, row: Mapping[str, Any], policy: Policy, now_us: int) -> Iterator[Line]:
    """Change the standing as a sighting, a row of the finding table, demands; why, for the history."""
    seen_us = row["last_seen_us"]
    if standing.state == State.FIXED and seen_us > (standing.fixed_us or 0):
        yield _reopened(standing, row, policy, now_us)
    if seen_us < standing.last_seen_us:  # late: it tells nothing that is not known better
        return
    if standing.state == State.RISK_ACCEPTED and (standing.state_until_us or seen_us) < seen_us:
        yield _expired(standing, row, now_us)
    if standing.state in DISMISSED and not standing.needs_review and (what := _difference(standing, row)):
        standing.needs_review = True
        yield line(standing.id, "review", f"Look again: {what}.", at_us=now_us, run_id=row["last_run_id"])
    if (standing.severity, standing.kev) != (row["severity"], row["kev"]):
        yield _rated(standing, row, policy, now_us)
    _remember(standing, row)


def _reopened(standing: Standing, row: Mapping[str, Any], policy: Policy, now_us: int) -> Line:
    reason = f"Seen again {_day(row['last_seen_us'])}, after it was fixed."
    opened = _open(standing, reason, row, now_us)
    standing.fixed_us = None
    standing.reopened_count += 1
    if policy.restart_on_reopen:
        standing.due_us = due_of(row, row["last_seen_us"], policy)
    return opened


def _expired(standing: Standing, row: Mapping[str, Any], now_us: int) -> Line:
    ended = _day(standing.state_until_us or 0)
    return _open(standing, f"Seen again, and the acceptance of its risk ended {ended}.", row, now_us)


def _open(standing: Standing, reason: str, row: Mapping[str, Any], now_us: int) -> Line:
    change = (standing.state, State.OPEN.value)
    standing.state, standing.state_reason, standing.state_by = State.OPEN.value, reason, RULE
    standing.state_at_us, standing.state_until_us, standing.needs_review = now_us, None, False
    return line(standing.id, "state", reason, at_us=now_us, change=change, run_id=row["last_run_id"])


def _difference(standing: Standing, row: Mapping[str, Any]) -> str:
    """What the decision no longer rests on. Bodies differ each time: they are no sign of change."""
    old, new = standing.template_sha256, row["template_sha256"]
    if old and new and old != new:
        return "its template has changed"
    return "what was read from the answer has changed" if standing.extracted != row["extracted"] else ""


def _rated(standing: Standing, row: Mapping[str, Any], policy: Policy, now_us: int) -> Line:
    was, now = Severity(standing.severity).word, Severity(row["severity"]).word
    reason = f"Severity {was} is now {now}." if was != now else "Whether it is known to be exploited changed."
    if standing.state in ACTIVE:
        standing.due_us = due_of(row, standing.first_seen_us, policy)
    return line(standing.id, "rating", reason, at_us=now_us, run_id=row["last_run_id"])


def _remember(standing: Standing, row: Mapping[str, Any]) -> None:
    """So that the next sighting of the same batch is compared with this one."""
    for name in ("last_seen_us", "severity", "kev", "extracted", "template_sha256", "target", "cve"):
        setattr(standing, name, row[name])


def due_of(row: Mapping[str, Any], from_us_: int, policy: Policy) -> int | None:
    """When the finding of this row is due, counted from there."""
    return due_us(row["severity"], from_us_, policy, kev=row["kev"], kev_due_us=date_us(row["kev_due"]))


def _day(at_us: int) -> str:
    return f"on {from_us(at_us):%Y-%m-%d}"

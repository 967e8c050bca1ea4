"""Telling what a run has brought to light, when it has ended, however it did."""

from __future__ import annotations

from sqlalchemy.orm import Session

from rookery.domains.findings.appearing import appeared
from rookery.domains.scans.events import FindingsAppeared
from rookery.domains.scans.models import Run
from rookery.mechanisms.rook import Rook


def announce(rook: Rook, session: Session, run: Run) -> None:
    """What has come to light, once, in however many attempts the run came to its end."""
    for each in appeared(session, run.id, run.announced_us or 0):
        rook.emit(FindingsAppeared(run.id, run.project_id, each.reopened, each.counts, each.worst))
        run.announced_us = max(run.announced_us or 0, each.upto_us)

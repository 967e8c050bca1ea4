"""Telling what a run has brought to light, when it has ended, however it did."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from rookery.domains.findings.appearing import appeared
from rookery.domains.scans.events import FindingsAppeared
from rookery.domains.scans.models import Run
from rookery.mechanisms.rook import Rook


def announce(rook: Rook, session: Session, run: Run, *, sighted: Collection[str] | None = None) -> None:
    """What has come to light, once, in however many attempts the run came to its end.

    `sighted` are the findings that it saw, in all its attempts, where that is known.
    """
    # An import has the id of its file: what another attempt at it brought to light was told then.
    after_us = run.announced_us or run.started_us - 1
    for each in appeared(session, run.id, after_us, sighted=sighted):
        rook.emit(FindingsAppeared(run.id, run.project_id, each.reopened, each.counts, each.worst))
        run.announced_us = max(run.announced_us or 0, each.upto_us)

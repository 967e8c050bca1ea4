"""From an event of any domain to what is told of it; an event's class is known by its name.

So a listener hears of domains that stand beside it, and are not to be imported, too. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from rookery.base.clock import now_us
from rookery.domains.notifications.rules import Occurrence, told_findings

DELIVER: Final = "notifications.deliver"
"""The type of the tasks that deliver: what becomes of them is in the history, and is no news."""


def occurrences(event: Any) -> list[Occurrence]:
    """What an event is told as; nothing, mostly."""
    return HEARD[type(event).__name__](event)


def _backup_taken(event: Any) -> list[Occurrence]:
    found = []
    if event.recovered:
        found.append(_of(event.device, "backup.recovered", "info", f"{event.device} is backed up again"))
    if event.changed and event.version > 1:
        title = f"{event.device} has changed: +{event.added} -{event.removed} lines"
        details = {
            "device_id": event.device_id, "old_version": event.version - 1, "version": event.version,
        }  # fmt: skip
        found.append(_of(event.device, "backup.changed", "low", title, **details))
    return found


def _backup_failed(event: Any) -> list[Occurrence]:
    title = f"{event.device} could not be backed up"
    times = f"\nIt is the {event.in_row}. time in a row." if event.in_row > 1 else ""
    return [_of(event.device, "backup.failed", "medium", title, f"{event.reason}{times}", code=event.code)]


def _findings_appeared(event: Any) -> list[Occurrence]:
    kind = "finding.reopened" if event.reopened else "finding.new"
    details = {"run_id": event.run_id, "counts": event.counts, "findings": list(event.findings)}
    return [told_findings(_of(event.project_id, kind, "info", ""), details)]


def _task_failed(event: Any) -> list[Occurrence]:
    if event.type == DELIVER:
        return []
    text = f"{event.error}: {event.message}\nTask {event.task_id}"
    return [_of(event.type, "task.failed", "medium", f"A task has failed: {event.type}", text)]


def _worker_lost(event: Any) -> list[Occurrence]:
    title = f"A worker on {event.host} is gone"
    return [
        _of(
            event.host,
            "worker.lost",
            "high",
            title,
            f"What it had begun is done by others. {event.worker_id}",
        )
    ]


def _audit_failed(event: Any) -> list[Occurrence]:
    text = f"{event.first}\nProblems: {event.problems}"
    return [_of(event.log, "audit.failed", "critical", "The audit log is not what was written", text)]


def _of(subject: str, kind: str, severity: Any, title: str, text: str = "", **details: Any) -> Occurrence:
    return Occurrence(
        kind=kind, subject=subject, severity=severity, title=title, text=text, at_us=now_us(), details=details
    )


HEARD: Final[Mapping[str, Callable[[Any], list[Occurrence]]]] = {
    "BackupTaken": _backup_taken,
    "BackupFailed": _backup_failed,
    "FindingsAppeared": _findings_appeared,
    "TaskFailed": _task_failed,
    "WorkerLost": _worker_lost,
    "AuditVerificationFailed": _audit_failed,
}

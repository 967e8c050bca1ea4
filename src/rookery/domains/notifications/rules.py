"""What is told, to whom, and when. Pure; but for a time zone, which is read from its file once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from rookery.base.structs import ready
from rookery.domains.findings.rules import Severity
from rookery.domains.notifications.errors import ChannelNotValid, RuleNotValid
from rookery.domains.schedules.errors import UnknownZone
from rookery.domains.schedules.timing import Cron, first
from rookery.domains.schedules.zones import zone

Word = Literal["info", "low", "medium", "high", "critical"]
ChannelKind = Literal["webhook", "apprise"]

KINDS: Final[Mapping[str, str]] = {
    "backup.failed": "A device could not be backed up.",
    "backup.recovered": "A device was backed up that could not be before.",
    "backup.changed": "A configuration has changed; the message has the difference.",
    "finding.new": "A scan has found what nobody had seen before.",
    "finding.reopened": "A scan has found again what had been fixed.",
    "task.failed": "A task has failed for good.",
    "worker.lost": "A worker is gone that had not said that it would go.",
    "audit.failed": "The audit log is not what was written.",
}
"""Of what a rule may tell."""

LONGEST_NAME: Final = 63
LARGEST_TEMPLATE: Final = 20_000
MOST_MERGED: Final = 50
_NAME = re.compile(r"\w[\w.@ -]*")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, as it is told: `subject` is what it happened to, `at_us` when."""

    kind: str
    subject: str
    severity: Word
    title: str
    text: str
    at_us: int
    details: dict[str, Any] = {}

    @property
    def rank(self) -> Severity:
        """How bad it is."""
        return Severity.of(self.severity)


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """Every day from one local time to another, `22:00` to `07:00`, nothing is sent; at its end, all of it.

    What is critical `breaks` it, if it may.
    """

    start: str
    end: str
    zone: str = "UTC"
    breaks: bool = True


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule tells, and how: of these kinds, at least so bad, of subjects that match a pattern.

    `channels` are ids. With `digest`, one message every so many seconds. The same of the same subject within
    `collapse` seconds becomes one notification, with a count.
    """

    kinds: Annotated[tuple[str, ...], Meta(min_length=1)]
    channels: Annotated[tuple[str, ...], Meta(min_length=1, max_length=50)]
    severity: Word = "info"
    subjects: Annotated[tuple[str, ...], Meta(max_length=100)] = ()
    quiet: Quiet | None = None
    digest: Annotated[int, Meta(ge=0, le=604_800)] = 0
    collapse: Annotated[int, Meta(ge=0, le=604_800)] = 600

    def wants(self, occurrence: Occurrence) -> bool:
        """Whether it is to be told."""
        return (
            occurrence.kind in self.kinds
            and occurrence.rank >= Severity.of(self.severity)
            and (not self.subjects or any(fnmatchcase(occurrence.subject, each) for each in self.subjects))
        )


def valid(terms: Terms) -> Terms:
    """The same, once it is known to fit. Raises RuleNotValid. It may read a zone's file."""
    try:
        typed = msgspec.convert(msgspec.to_builtins(terms), ready(Terms))
    except msgspec.ValidationError as error:
        raise RuleNotValid(f"That is no rule: {error}.") from None
    unknown = [kind for kind in typed.kinds if kind not in KINDS]
    if unknown:
        raise RuleNotValid(f"{unknown[0][:80]!r} is not told; there are: {', '.join(KINDS)}.")
    if typed.quiet is not None:
        _check(typed.quiet)
    return typed


def _check(quiet: Quiet) -> None:
    if not (_TIME.fullmatch(quiet.start) and _TIME.fullmatch(quiet.end)) or quiet.start == quiet.end:
        raise RuleNotValid("Quiet hours go from one time to another, such as 22:00 to 07:00.")
    try:
        zone(quiet.zone)
    except UnknownZone as error:
        raise RuleNotValid(str(error)) from None


def quiet_until(quiet: Quiet | None, now: datetime) -> datetime | None:
    """When the quiet hours end that it is in now, by the clocks of their zone; None outside of them."""
    if quiet is None:
        return None
    local = f"{now.astimezone(zone(quiet.zone)):%H:%M}"
    spans_midnight = quiet.end < quiet.start
    is_within = (
        local >= quiet.start or local < quiet.end if spans_midnight else quiet.start <= local < quiet.end
    )
    hour, _, minute = quiet.end.partition(":")
    return first(Cron(f"{int(minute)} {int(hour)} * * *", quiet.zone), now) if is_within else None


def due_us(terms: Terms, now_us: int, last_sent_us: int | None) -> int:
    """When something is to be sent that happens now: at once, after the window of the last one, or as part of
    the next digest, whichever is latest."""
    due = now_us
    if last_sent_us is not None:
        due = max(due, last_sent_us + terms.collapse * 1_000_000)
    if terms.digest:
        step = terms.digest * 1_000_000
        due = -(-due // step) * step
    return due


def narrowed(occurrence: Occurrence, least: str) -> Occurrence:
    """Without what is not bad enough: of the findings of a run, only some may be."""
    details = occurrence.details
    if "findings" not in details:
        return occurrence
    rank = Severity.of(least)
    counts = {word: number for word, number in details["counts"].items() if Severity.of(word) >= rank}
    findings = [each for each in details["findings"] if Severity.of(each["severity"]) >= rank]
    return told_findings(occurrence, {**details, "counts": counts, "findings": findings})


def merged(old: Occurrence, new: Occurrence) -> Occurrence:
    """Both as one, which happened when the newer did; nothing of what the first told is lost."""
    if "old_version" in old.details:
        details = {**new.details, "old_version": old.details["old_version"]}
        return msgspec.structs.replace(new, details=details)
    if "findings" not in old.details:
        return new
    counts = dict(old.details["counts"])
    for word, number in new.details["counts"].items():
        counts[word] = counts.get(word, 0) + number
    findings = [*old.details["findings"], *new.details["findings"]][:MOST_MERGED]
    return told_findings(new, {**new.details, "counts": counts, "findings": findings})


def told_findings(occurrence: Occurrence, details: dict[str, Any]) -> Occurrence:
    """What a run has found, as a title and a list."""
    counts: dict[str, int] = details["counts"]
    by_rank = sorted(counts.items(), key=lambda pair: -Severity.of(pair[0]))
    what = "found again" if occurrence.kind == "finding.reopened" else "new"
    number = sum(counts.values())
    title = f"{number} {what} in {occurrence.subject}: {', '.join(f'{n} {word}' for word, n in by_rank)}"
    lines = [f"{each['severity']:<8} {each['name']} on {each['target']}" for each in details["findings"]]
    more = number - len(lines)
    text = "\n".join(lines + ([f"and {more} more"] if more > 0 else []))
    worst: Any = by_rank[0][0] if by_rank and by_rank[0][0] != "unknown" else "info"
    return msgspec.structs.replace(occurrence, severity=worst, title=title, text=text, details=details)


def check_name(name: str, error: type[ChannelNotValid | RuleNotValid]) -> None:
    """Raise this error, unless the name is one."""
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise error(f"name {name[:80]!r}: use letters, digits, blanks and . @ - _, at most {LONGEST_NAME}.")

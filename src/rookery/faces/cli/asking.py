"""What commands ask of people: moments and spans of time, and whether they are sure."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import Any

import click


class Moment(click.ParamType[datetime]):
    """A date or time, UTC unless it says otherwise."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """An aware datetime from ISO 8601: 2026-11-22, 2026-11-22T08:30, 2026-11-22T08:30+01:00."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date; write 2026-11-22 or 2026-11-22T08:30+01:00", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Duration(click.ParamType[int]):
    """A span of time, in whole seconds."""

    name = "duration"
    _PARTS = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?", re.IGNORECASE)
    _SIZES = (86_400, 3_600, 60, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds of 30s, 15m, 6h, 1d or 1h30m."""
        if isinstance(value, int):
            return value
        found = self._PARTS.fullmatch(str(value)[:40].strip())
        if not value or found is None:
            self.fail(f"{value!r} is no span of time; write 30s, 15m, 6h, 1d or 1h30m", param, ctx)
        return sum(int(part or 0) * size for part, size in zip(found.groups(), self._SIZES, strict=True))


def agreed(yes: bool, question: str) -> None:
    """Return when --yes was given or the person says yes; a usage error when nobody is there to be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody is there to be asked: give --yes to do it for good.")
    click.confirm(question, abort=True, err=True)

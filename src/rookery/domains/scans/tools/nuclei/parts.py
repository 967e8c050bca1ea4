"""A run in parts: nuclei is started for some of its targets at a time, so that what it knows of them
stays small, and one that dies costs little. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rookery.domains.scans.coverage import Coverage
from rookery.domains.scans.targets import name_of
from rookery.domains.scans.tools.nuclei.covering import Ledger
from rookery.domains.scans.tools.nuclei.stats import Said
from rookery.mechanisms.engine import Target
from rookery.mechanisms.hooks import Progress

NO_LEDGER = Ledger(Coverage(()), {}, ())


@dataclass
class Part:
    """One start of nuclei: what it is for, what it tells of it.

    `goes_on` says that something is done on each of its targets.
    """

    files: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    ledger: Ledger = NO_LEDGER
    goes_on: bool = False
    said: Said = field(default_factory=Said)
    is_deserted: bool = False
    has_lost_lines: bool = False


@dataclass
class Course:
    """How far the run is: `done` of its `targets`, and what was said in parts that have ended."""

    targets: int = 0
    done: int = 0
    requests: int = 0
    errors: int = 0
    templates: int = 0

    def add(self, part: Part) -> None:
        """A part has ended."""
        self.done += len(part.targets)
        self.requests += part.said.requests
        self.errors += part.said.errors
        self.templates = max(self.templates, part.said.templates)

    def progress(self, part: Part) -> Progress:
        """With a part under way, as if it took as many requests for the targets of those to come."""
        said, own = part.said, part.said.progress()
        share = len(part.targets) / (self.targets or 1)
        others = max(self.targets - self.done, 0) / (len(part.targets) or 1)
        done, total = self.requests + said.requests, self.requests + round(said.total * others)
        return Progress(
            percent=100 * self.done / (self.targets or 1) + own.percent * share,
            detail=f"{done} of about {total} requests",
            done=done,
            total=total or None,
        )


def split(endpoints: Sequence[str], most: int) -> Iterator[tuple[str, ...]]:
    """The endpoints in parts of about the same size, no more than `most`.

    Endpoints that share a name stay together, for what is done there is done when it is on all of them.
    """
    by_name: dict[str, list[str]] = {}
    for endpoint in endpoints:
        by_name.setdefault(name_of(Target(endpoint)), []).append(endpoint)
    size, part = size_of_parts(len(endpoints), most), list[str]()
    for group in by_name.values():
        if part and len(part) + len(group) > size:
            yield tuple(part)
            part = []
        part += group
    if part:
        yield tuple(part)


def size_of_parts(targets: int, most: int) -> int:
    """Of the fewest parts, of which none need be much smaller than the others."""
    return math.ceil(targets / math.ceil(targets / most)) if targets else 0

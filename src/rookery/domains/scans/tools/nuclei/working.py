"""What is left for nuclei to do: of each template whose end it tells, on which endpoints. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rookery.domains.scans.coverage import Coverage, places_of
from rookery.domains.scans.targets import name_of
from rookery.domains.scans.tools.nuclei.choosing import Choice
from rookery.domains.scans.tools.nuclei.covering import Ledger, once_each
from rookery.domains.scans.tools.nuclei.parts import NO_LEDGER, Part, split
from rookery.mechanisms.engine import Target, Template

TELLING = (3, 4, 0)
"""The oldest nuclei that has been seen to tell how each template ended."""


class Work:
    """The templates of a run, by file, as far as nuclei tells how they ended: those of one protocol.

    `positions` is where each is in the run's list, which `coverage` counts along.
    """

    def __init__(self, choice: Choice, version: str) -> None:
        tells = not version or tuple(map(int, version.split("."))) >= TELLING
        known = choice.templates.items() if tells else ()
        self._files = choice.files
        self.templates: dict[str, Template] = {file: one for file, one in known if len(one.protocols) == 1}
        self.template_ids = tuple(template.id for template in self.templates.values())

    def would_complain(self, file: str) -> bool:
        """Whether nuclei would have said that a request of a template had no answer: a single block's."""
        return len(self.templates[file].program.blocks) == 1

    def positions(self, coverage: Coverage | None) -> dict[str, int]:
        """Where each file is in the list that the coverage counts along."""
        ids = coverage.template_ids if coverage else self.template_ids
        return places_of(ids, ((template.id, file) for file, template in self.templates.items()))

    def left(self, endpoints: Sequence[str], coverage: Coverage | None) -> dict[str, list[int]]:
        """The positions of what is to be done, by endpoint."""
        all_ = list(self.positions(coverage).values())
        if coverage is None:
            return dict.fromkeys(endpoints, all_)
        return {endpoint: coverage.left(name_of(Target(endpoint)), all_) for endpoint in endpoints}

    def parts(self, endpoints: Sequence[str], coverage: Coverage | None, most: int) -> Iterator[Part]:
        """What is left to do, for no more than `most` endpoints at a time."""
        _, left = self.next(endpoints, coverage)
        for some in split(left, most):
            files, targets = self.next(some, coverage)
            if files and targets:
                yield self._part(files, targets, coverage)

    def _part(self, files: tuple[str, ...], targets: tuple[str, ...], coverage: Coverage | None) -> Part:
        if coverage is None:
            return Part(files, targets, NO_LEDGER)
        ledger = Ledger(coverage, self.positions(coverage), targets)
        goes_on = all(coverage.has_done(name_of(Target(each))) for each in targets)
        return Part(files, targets, ledger, goes_on)

    def next(
        self, endpoints: Sequence[str], coverage: Coverage | None
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The files that nuclei is given, and the endpoints: what is left to do, and perhaps some more.

        Of the files of which it does not tell how they end, all; and where there are such, all endpoints.
        """
        left, positions = self.left(endpoints, coverage), self.positions(coverage)
        wanted = {position for each in left.values() for position in each}
        others = [file for file in self._files if file not in positions]
        files = [file for file, position in positions.items() if position in wanted]
        return (*files, *others), once_each([each for each in endpoints if left[each] or others])

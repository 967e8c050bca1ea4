"""What the runners of all tools have: the figures of the run, as its result and its row need them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rookery.base.errors import RookeryError
from rookery.domains.findings.items import Vulnerability
from rookery.domains.scans.coverage import Coverage
from rookery.mechanisms.hooks import Error, Item
from rookery.mechanisms.runner import Runner

KEPT_ERRORS = 100
REMEMBERED = 1_000  # findings; whoever sees more is not asked which they were


class ScanRunner(Runner):
    """The runner of a tool.

    A tool that knows better than these defaults sets them while it runs: how many `request_count` it sent and
    how many endpoints gave no answer at all (`unreached_count`). `partial` says why less was done than was
    planned; `failure` is what ended the tool: a FatalError when another try could not help, a TemporaryError
    when it may. `engine` is the tool with its version, as findings name it. In `coverage`, unless it is None,
    it records how each template ended on each target, once what was found by it has been yielded. One that
    `can_resume` leaves out the pairs that are done there already. `is_broken_off` is set from outside, where
    somebody does not even wait for its end.
    """

    engine: str = ""
    request_count: int = 0
    unreached_count: int = 0
    partial: str = ""
    failure: RookeryError | None = None
    is_broken_off: bool = False
    coverage: Coverage | None = None
    can_resume: bool = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.errors: list[Error] = []
        self.severities: Counter[str] = Counter()
        self._sighted: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Without the coverage, which the process that stores it keeps."""
        return {**super().__getstate__(), "coverage": None}

    @property
    def template_ids(self) -> tuple[str, ...]:
        """The ids of the templates, in the order that coverage counts along; none for a tool without any."""
        return ()

    @property
    def pairs_left(self) -> int:
        """How many pairs of target and template are not done yet; for a tool that can resume."""
        return 0

    @property
    def template_count(self) -> int:
        """How many templates are run."""
        return len(self.template_ids)

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many templates were left out, by reason."""
        return {}

    def count(self, _runner: Runner, item: Item) -> None:
        """A hook: count what is stored, for the result and the exit status."""
        if isinstance(item, Vulnerability):
            self.severities[item.severity] += 1
            if len(self._sighted) <= REMEMBERED:
                self._sighted.add(item.finding_id)

    @property
    def sighted(self) -> frozenset[str] | None:
        """The ids of the findings it has seen; None when those are too many to remember."""
        return frozenset(self._sighted) if len(self._sighted) <= REMEMBERED else None

    def on_error(self, error: Error) -> None:
        """Keep what went wrong for the run's row."""
        if len(self.errors) < KEPT_ERRORS:
            self.errors.append(error)

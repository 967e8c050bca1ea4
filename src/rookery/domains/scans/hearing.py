"""What is heard of the targets of a run: who is silent, who has answered after all, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

from rookery.domains.scans.targets import name_of
from rookery.mechanisms.transport import Done, TransportError

HTTP = "http"


class Heard:
    """Of one run. `silent` are those without an answer over http; other protocols are tried all the same."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self._answered: set[str] = set()
        self._said: set[tuple[str, type]] = set()

    @property
    def silent_count(self) -> int:
        """How many have answered to nothing."""
        return len(self.silent - self._answered)

    def news(self, done: Done) -> Iterator[Exception]:
        """What went wrong and was not said yet: a dying host says the same a thousand times."""
        if done.outcome.matches or not done.outcome.failed:
            self._answered.add(name_of(done.target))
        # A service that is not there is nothing that went wrong.
        may_be_missing = not done.target.is_file and HTTP not in done.template.protocols
        for error in done.outcome.failed:
            kind = (done.target.url, type(error))
            if kind not in self._said and not (may_be_missing and isinstance(error, TransportError)):
                self._said.add(kind)
                yield error

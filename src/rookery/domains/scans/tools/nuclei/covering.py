"""What nuclei has done, by what it tells: which template came to its end on which target, and how. Pure.

At the end of each template on each target nuclei says that nothing matched, with what went wrong on the way
(`-matcher-status`). Where something matched it says so at once, and then no more: that such a template came
to its end is known when nuclei itself has, and complained about no request of it (`-verbose`). A template of
several blocks does not complain about all of them: of such a one nothing is known once it has matched.

Nothing is left out silently: each template sends its own requests (`-disable-clustering`), and no host is
passed over (`-no-mhe`). The gate leaves alone who does not answer, so that each request there has an error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from rookery.domains.findings.places import canonical_target
from rookery.domains.scans.coverage import Coverage, Outcome
from rookery.domains.scans.targets import name_of
from rookery.mechanisms.engine import Target

NOTHING, CLEAN, MATCHED, FAILED = range(4)


class Ledger:
    """Takes down what is told of `positions` (by template file) on endpoints, and records it as coverage.

    An endpoint is known by the canonical form of its URL. Some share a name, for a name has no query: a
    template has come to its end there when it has on all of them.
    """

    def __init__(self, coverage: Coverage, positions: Mapping[str, int], endpoints: Iterable[str]) -> None:
        self._coverage, self._positions = coverage, positions
        self._by_id: defaultdict[str, list[int]] = defaultdict(list)
        for position in positions.values():
            self._by_id[coverage.template_ids[position]].append(position)
        self._names = {key_of(endpoint): name_of(Target(endpoint)) for endpoint in endpoints}
        self._sharing: defaultdict[str, list[str]] = defaultdict(list)
        for key, name in self._names.items():
            self._sharing[name].append(key)
        self._signs = {key: bytearray(len(coverage.template_ids)) for key in self._names}

    def name(self, url: str) -> str:
        """The name of the target at a URL that nuclei was given; empty for any other."""
        return self._names.get(key_of(url), "")

    def ended(self, file: str, url: str, error: str, *, is_given_up: bool = False) -> None:
        """A template has come to its end, and nothing matched; or, with an error, came to none.

        What names no file has asked nothing.
        """
        position, key = self._positions.get(file), key_of(url)
        if position is None or key not in self._names:
            return
        if error:
            self._fail(key, position, Outcome.SKIPPED if is_given_up else Outcome.ERROR)
        else:
            self._sign(key, position, CLEAN)
            self._settle(self._names[key], position)

    def matched(self, file: str, url: str) -> None:
        """Something matched; the template goes on, perhaps."""
        position, key = self._positions.get(file), key_of(url)
        if position is not None and key in self._names:
            self._sign(key, position, MATCHED)

    def complained(self, template_id: str, url: str) -> None:
        """A request of a template had no answer; on every target, if nobody knows which."""
        keys = [key_of(url)] if key_of(url) in self._names else list(self._names)
        for key in keys:
            for position in self._by_id.get(template_id, ()):
                self._fail(key, position, Outcome.ERROR)

    def finish(self, would_complain: Callable[[str], bool]) -> None:
        """nuclei came to its end in order; of which files it would have complained is asked."""
        files = {position: file for file, position in self._positions.items()}
        for key, signs in self._signs.items():
            position = -1
            while (position := signs.find(MATCHED, position + 1)) >= 0:
                if would_complain(files[position]):
                    signs[position] = CLEAN
                    self._settle(self._names[key], position)

    def give_up(self, url: str) -> None:
        """What has not been tried on an endpoint will not be."""
        key = key_of(url)
        if key in self._names:
            name, signs = self._names[key], self._signs[key]
            untried = [place for place, sign in enumerate(signs) if sign == NOTHING]
            self._coverage.record_all(name, self._coverage.left(name, untried), Outcome.SKIPPED)

    def _sign(self, key: str, position: int, sign: int) -> None:
        """Note it, unless something worse is known."""
        signs = self._signs[key]
        signs[position] = max(signs[position], sign)

    def _settle(self, name: str, position: int) -> None:
        if all(self._signs[key][position] == CLEAN for key in self._sharing[name]):
            self._coverage.record(name, position, Outcome.OK)

    def _fail(self, key: str, position: int, outcome: Outcome) -> None:
        """What came to its end in an earlier part of the run has done so all the same."""
        self._sign(key, position, FAILED)
        if not self._coverage.is_done(self._names[key], position):
            self._coverage.record(self._names[key], position, outcome)


def key_of(url: str) -> str:
    """What two spellings of one endpoint have in common."""
    try:
        query = urlsplit(url).query
    except ValueError:
        query = ""
    return f"{canonical_target(url)}?{query}" if query else canonical_target(url)


def once_each(endpoints: Sequence[str]) -> tuple[str, ...]:
    """The endpoints, of several spellings the first."""
    by_key: dict[str, str] = {}
    for endpoint in endpoints:
        by_key.setdefault(key_of(endpoint), endpoint)
    return tuple(by_key.values())

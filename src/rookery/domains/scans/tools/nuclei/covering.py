"""What nuclei has done, by what it tells: which template came to its end on which target, and how. Pure.

At the end of each template on each target nuclei says that nothing matched, with what went wrong on the way
(`-matcher-status`). Where something matched it says so at once, and then no more: that such a template came
to its end is known when nuclei itself has, and complained about no request of it (`-verbose`). A template of
several blocks does not complain about all of them: of such a one nothing is known once it has matched.

Of http it names the URL that it was given. Of tcp, ssl and dns it names an address or a host alone, which
may be that of several endpoints: which of them is known, too, when nuclei has come to its end.

Nothing is left out silently: each template sends its own requests (`-disable-clustering`), and no host is
passed over (`-no-mhe`). The gate leaves alone who does not answer, so that each request there has an error.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from rookery.domains.findings.places import canonical_target, place_of
from rookery.domains.scans.coverage import Coverage, Outcome
from rookery.domains.scans.targets import name_of
from rookery.mechanisms.engine import Target

NOTHING, CLEAN, TOLD, FAILED = range(4)
"""What is known of a pair: not a word; its end; that it was begun; that something went wrong."""


class Meant(NamedTuple):
    """The endpoints that nuclei means: those, for sure, and others that it may mean as well."""

    surely: Sequence[str] = ()
    perhaps: Sequence[str] = ()

    @property
    def any(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.surely, *self.perhaps)


class Endpoints:
    """The endpoints of a run, known by the canonical form of their URLs, and what nuclei calls them."""

    def __init__(self, urls: Iterable[str]) -> None:
        self.names = {key_of(url): name_of(Target(url)) for url in urls}
        self._at: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self._on: defaultdict[str, list[str]] = defaultdict(list)
        for key in self.names:
            place = place_of(key)
            self._at[place.host, place.port].append(key)
            for host in _known_as(place.host):
                self._on[host].append(key)

    def meant(self, where: str) -> Meant:
        """By a URL, an address or a host. A template's own port takes the place of http's in an address."""
        if "://" in where:
            key = key_of(where)
            return Meant((key,)) if key in self.names else Meant()
        place = place_of(where)
        surely = self._at.get((place.host, place.port), [])
        on_host = self._on.get(place.host, [])
        if not surely and len(on_host) == 1:
            return Meant(on_host)
        return Meant(surely, [key for key in on_host if key not in surely])


class Ledger:
    """Takes down what is told of `positions` (by template file) on endpoints, and records it as coverage.

    Some endpoints share a name, for a name has no query: a template has come to its end there when it has on
    all of them.
    """

    def __init__(self, coverage: Coverage, positions: Mapping[str, int], endpoints: Iterable[str]) -> None:
        self._coverage, self._positions = coverage, positions
        self._by_id: defaultdict[str, list[int]] = defaultdict(list)
        for position in positions.values():
            self._by_id[coverage.template_ids[position]].append(position)
        self._endpoints = Endpoints(endpoints)
        self._names = self._endpoints.names
        self._sharing: defaultdict[str, list[str]] = defaultdict(list)
        for key, name in self._names.items():
            self._sharing[name].append(key)
        self._signs = {key: bytearray(len(coverage.template_ids)) for key in self._names}

    def name(self, where: str) -> str:
        """The name of the target that nuclei means; empty for any other."""
        return next((self._names[key] for key in self._endpoints.meant(where).any), "")

    def ended(self, file: str, where: str, error: str, *, is_given_up: bool = False) -> None:
        """A template has come to its end, and nothing matched; or, with an error, came to none.

        What names no file has asked nothing.
        """
        position, meant = self._positions.get(file), self._endpoints.meant(where)
        if position is None:
            return
        if error:
            for key in meant.surely or meant.perhaps:
                self._fail(key, position, Outcome.SKIPPED if is_given_up else Outcome.ERROR)
            return
        for key in meant.surely:
            self._sign(key, position, CLEAN)
            self._settle(self._names[key], position)
        for key in meant.perhaps:
            self._sign(key, position, TOLD)

    def matched(self, file: str, where: str) -> None:
        """Something matched; the template goes on, perhaps."""
        if (position := self._positions.get(file)) is not None:
            for key in self._endpoints.meant(where).any:
                self._sign(key, position, TOLD)

    def complained(self, template_id: str, where: str) -> None:
        """A request of a template had no answer; on every target, if nobody knows which."""
        meant = self._endpoints.meant(where)
        for key in meant.surely or meant.perhaps or self._names:
            for position in self._by_id.get(template_id, ()):
                self._fail(key, position, Outcome.ERROR)

    def finish(self, would_complain: Callable[[str], bool]) -> None:
        """nuclei came to its end in order; of which files it would have complained is asked."""
        files = {position: file for file, position in self._positions.items()}
        for key, signs in self._signs.items():
            position = -1
            while (position := signs.find(TOLD, position + 1)) >= 0:
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
        """What came to its end in an earlier part of the run has done so all the same.

        In this part it has not: nuclei says so of its last request alone, where it makes several by tcp.
        """
        is_of_this_part = self._signs[key][position] == CLEAN
        self._sign(key, position, FAILED)
        if is_of_this_part or not self._coverage.is_done(self._names[key], position):
            self._coverage.record(self._names[key], position, outcome)


def _known_as(host: str) -> Iterator[str]:
    """The host; of an address also the name under which DNS is asked about it."""
    yield host
    with suppress(ValueError):
        yield ipaddress.ip_address(host).reverse_pointer


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

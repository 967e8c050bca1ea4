"""nmap's life: it is given addresses that are in the scope, and its XML is read as it comes."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from signal import Signals
from typing import Any, cast

from rookery.base.errors import RookeryError
from rookery.base.redact import redact_text
from rookery.domains.scans.coverage import Outcome
from rookery.domains.scans.errors import ToolStopped, ToolUnusable
from rookery.domains.scans.items import Certificate, Ip, Port
from rookery.domains.scans.scope import Scope, as_network
from rookery.domains.scans.tools.contract import ToolJob
from rookery.domains.scans.tools.nmap.reading import BadOutput, Reading, Seen
from rookery.domains.scans.tools.nmap.targets import host_and_port, ports_of
from rookery.domains.scans.tools.programs import PASSED_ON
from rookery.domains.scans.tools.running import ScanRunner
from rookery.mechanisms.hooks import Error, Item, Progress, Warning_
from rookery.mechanisms.runner import CommandRunner

USUAL_PORTS = 1_000
HOST = "(host)"
"""In place of a template's id, which it could not be."""

SCRIPTS = "ssl-cert"  # others follow redirects, or ask third parties


class NmapRunner(ScanRunner, CommandRunner):
    """Runs nmap on the hosts and networks of a plan: connects to TCP ports, asks services what they are.

    Names are resolved here, and nmap is given addresses alone: each has been checked against the scope. It
    connects as any program does, so it needs no privileges; it looks up no name and runs no script but the
    one that reads certificates.

    What it covers are endpoints, and the hosts it saw in networks: each is done, or not. It yields no
    findings, so that closes none.
    """

    name = "nmap"
    can_resume = True

    def __init__(self, program: str, job: ToolJob, **options: Any) -> None:
        options = {"interval": 1.0, **options}
        super().__init__(_arguments(program, job), job.plan.endpoints, **options)
        self.env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.limits = job.limits
        self.scope = Scope(job.scope)
        self.engine = "nmap"
        self._names: dict[str, str] = {}  # by the address they led to
        self._reading: Reading | None = None
        self._host_count = 0
        self._given: defaultdict[str, list[str]] = defaultdict(list)  # endpoints, by address

    @property
    def template_ids(self) -> tuple[str, ...]:
        """What coverage counts: one thing of each host."""
        return (HOST,)

    @property
    def template_count(self) -> int:
        """It has no templates."""
        return 0

    @property
    def pairs_left(self) -> int:
        """How many endpoints are not done yet."""
        return len(self._left())

    def _left(self) -> list[str]:
        coverage = self.coverage
        return [each for each in self.targets if coverage is None or not coverage.is_done(each, 0)]

    def __getstate__(self) -> dict[str, Any]:
        """Without the parser, which is of one process."""
        return {**super().__getstate__(), "_reading": None}

    async def produce(self) -> AsyncIterator[Any]:
        """What it finds, host by host; afterwards what went wrong."""
        wanted = [(endpoint, await self._allowed(host_and_port(endpoint)[0])) for endpoint in self._left()]
        is_six = all(":" in address for _, address in wanted if address)
        fitting = (address for _, address in wanted if address and (":" in address) == is_six)
        addresses = list(dict.fromkeys(fitting))
        for endpoint, address in wanted:
            if address in addresses:
                self._given[address].append(endpoint)
            else:
                self.unreached_count += 1
                self._cover([endpoint], Outcome.SKIPPED)
                yield Error(message=f"{endpoint} was not scanned: {_why_not(address)}")
        if not addresses:
            return
        self.argv = [*self.argv, *(("-6",) if is_six else ()), *addresses]
        self._host_count = sum(network.num_addresses for each in addresses if (network := as_network(each)))
        self._reading = Reading()
        try:
            async with aclosing(cast("AsyncGenerator[Any]", super().produce())) as produced:
                async for raw in produced:
                    yield raw
        except OSError as refusal:
            self.failure = ToolUnusable(f"{self.argv[0]} cannot be run: {refusal.strerror}")
            yield Error(message=str(self.failure))
        if self.failure is None:
            for endpoints in self._given.values():  # a host of which nothing was said is down
                self._cover(endpoints, Outcome.OK)
            self.emit(self._progress(self._reading, percent=100))

    def parse(self, line: str) -> str:
        """A line is of a document, and nothing by itself."""
        return line

    def convert(self, raw: str) -> Iterator[Item]:
        """The items that a further line completes."""
        reading = self._reading
        if reading is None or self.failure is not None:
            return
        before = (reading.hosts, reading.task, reading.percent)
        try:
            complete = reading.feed(raw + "\n")
        except BadOutput as error:
            self.failure = ToolUnusable(str(error))
            yield Error(message=str(error))
            return
        for seen in complete:
            yield from self._admitted(seen)
        if (reading.hosts, reading.task, reading.percent) != before:
            yield self._progress(reading)

    async def overdue(self) -> str:
        """Until it has shown no sign of work for a while, or has been found to talk nonsense."""
        patience, pulse, since = self.limits.hang_timeout, self._pulse(), time.monotonic()
        while time.monotonic() - since < patience:
            await asyncio.sleep(min(0.5, patience))
            if self.failure is not None:
                return str(self.failure)
            if (now := self._pulse()) != pulse:
                pulse, since = now, time.monotonic()
        return f"nmap was ended: it hung, without a sign of work for {patience:g} seconds"

    def troubles(self, stderr: str, ended: str) -> list[Item]:
        """By what its document says, its exit code and its last words."""
        if self.failure is not None:
            return []
        self.failure = self._failure(stderr, ended)
        if self.failure is None:
            return []
        if isinstance(self.failure, ToolStopped):
            self.partial = str(self.failure)
        return [Error(message=str(self.failure), detail=redact_text(stderr)[-2_000:])]

    def _failure(self, stderr: str, ended: str) -> RookeryError | None:
        code, reading = self.exit_code or 0, self._reading
        if ended:
            return ToolStopped(f"{ended}; what it found until then is kept")
        if code < 0:
            return ToolStopped(f"nmap was ended by {Signals(-code).name}; what it found is kept")
        said = (reading.trouble if reading else "") or stderr.strip().rpartition("\n")[2]
        if code:
            return ToolUnusable(redact_text(f"nmap exited with {code}: {said[:200]}"))
        if reading is not None and not reading.is_complete:
            return ToolStopped("nmap's output breaks off; what it found until then is kept")
        return None

    async def _allowed(self, host: str) -> str:
        """The address of a host that may be looked at; a network as it is, if all of it may; else nothing."""
        if as_network(host) is not None:
            return host if self.scope.admits(host) else ""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None)
        except (OSError, UnicodeError):
            return ""
        allowed = [address for entry in found if self.scope.allows(host, address := str(entry[4][0]))]
        first = min(allowed, key=lambda address: ":" in address, default="")  # one, as nmap does with a name
        if first:
            self._names[first] = host
        return first

    def _admitted(self, seen: Seen) -> Iterator[Item]:
        """A host's items, with the name that was asked for; nothing of a host that was not."""
        name = self._names.get(seen.address, "")
        if not name and not self.scope.admits(seen.address):
            yield Warning_(
                message=f"nmap reports on {seen.address[:60]}, which is not in the scope: left out"
            )
            return
        for item in seen.items:
            if name and isinstance(item, Ip | Port | Certificate):
                item.host = name
            yield item
        self._cover(self._given.get(seen.address, [seen.address]), Outcome.OK)

    def _cover(self, hosts: Iterable[str], outcome: Outcome) -> None:
        if self.coverage is not None:
            for host in hosts:
                self.coverage.record(host, 0, outcome)

    def _progress(self, reading: Reading, percent: float | None = None) -> Progress:
        if percent is None:
            percent = min(100 * reading.hosts / max(self._host_count, 1), 100.0)
        task = f"; {reading.task}: {reading.percent:.0f} %" if reading.task and percent < 100 else ""
        detail = f"{reading.hosts} of {self._host_count} hosts{task}"
        return Progress(percent=percent, detail=detail, done=reading.hosts, total=self._host_count)

    def _pulse(self) -> tuple[object, ...]:
        reading = self._reading
        return (reading.hosts, reading.task, reading.percent) if reading else ()


def _arguments(program: str, job: ToolJob) -> list[str]:
    """The command line, without the addresses."""
    endpoints, rate = job.plan.endpoints, job.limits.rate_limit
    ports = ports_of(endpoints)
    return [
        program,
        *("-oX", "-", "--no-stylesheet", "--stats-every", "1s"),
        *("-n", "-sT", "-sV", "--script", SCRIPTS),
        *(("-p", ",".join(map(str, ports))) if ports else ("--top-ports", str(USUAL_PORTS))),
        *(("--max-rate", f"{rate:g}") if rate else ()),
        *(("-Pn",) if all(_is_one(host_and_port(endpoint)[0]) for endpoint in endpoints) else ()),
    ]


def _why_not(address: str) -> str:
    return "nmap looks at IPv4 and IPv6 in runs of their own" if address else "it leads nowhere in the scope"


def _is_one(host: str) -> bool:
    network = as_network(host)
    return network is None or network.num_addresses == 1

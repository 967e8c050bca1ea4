"""nuclei's life: it dials through a gate, its results are read as they come, its silence is noticed."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import cached_property
from typing import Any, cast

from rookery.base.redact import redact_text
from rookery.domains.findings.formats import nuclei as records
from rookery.domains.findings.places import place_of
from rookery.domains.scans.coverage import Coverage
from rookery.domains.scans.errors import ToolStopped, ToolUnusable
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.tools.contract import ToolJob
from rookery.domains.scans.tools.nuclei.choosing import Choice, choose, protocols_given
from rookery.domains.scans.tools.nuclei.command import arguments, environment, proxies
from rookery.domains.scans.tools.nuclei.covering import Ledger
from rookery.domains.scans.tools.nuclei.endings import failure
from rookery.domains.scans.tools.nuclei.manners import Pacing, remarks
from rookery.domains.scans.tools.nuclei.stats import Said
from rookery.domains.scans.tools.nuclei.surroundings import addresses_of, at_home, free_port, place_dialled
from rookery.domains.scans.tools.nuclei.working import Work
from rookery.domains.scans.tools.running import ScanRunner
from rookery.mechanisms.hooks import Error, Item, Progress, Warning_
from rookery.mechanisms.runner import CommandRunner
from rookery.mechanisms.transport import Gate, OutOfScope

MOST_WARNINGS = 20
LONGEST_LINE = 8 << 20  # bytes
NO_LEDGER = Ledger(Coverage(()), {}, ())
TALK = re.compile(r"\[[A-Z]{2,3}\] |\t|$")


class NucleiRunner(ScanRunner, CommandRunner):
    """Runs nuclei on a plan's endpoints.

    It dials through a gate, so that the scope holds for every connection, redirects included. What it did is
    taken down in a ledger, for templates of one protocol; of others it does not tell enough.
    """

    name = "nuclei"
    can_resume = True
    _ledger = NO_LEDGER

    def __init__(self, program: str, job: ToolJob, *, version: str = "", **options: Any) -> None:
        options = {"interval": 1.0, **options}
        self.job, self.scope = job, Scope(job.scope)
        argv = arguments(
            program,
            job.plan,
            job.limits,
            protocols=protocols_given(self.scope),
            signed_only=job.policy.unsigned == "refuse",
        )
        super().__init__(argv, job.plan.endpoints, max_line=LONGEST_LINE, **options)
        self.plan, self.limits = job.plan, job.limits
        self.engine, self._version = f"nuclei {version}".strip(), version
        self.said = Said()
        self._gate: Gate | None = None
        self._given: tuple[str, ...] = ()
        self._is_deserted = self._has_lost_lines = False
        self._warned = 0
        self._strangers: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Without what is of one process, and what a copy reads again."""
        left_out = {"choice", "work", "_ledger"}
        state = {name: value for name, value in super().__getstate__().items() if name not in left_out}
        return {**state, "_gate": None}

    @cached_property
    def choice(self) -> Choice:
        """The templates that nuclei is given, and why it is not given others; the first use reads them."""
        return choose(self.job)

    @cached_property
    def work(self) -> Work:
        """What is to be done with them."""
        return Work(self.choice, self._version)

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many templates it is not given, by reason."""
        return self.choice.skipped

    @property
    def template_count(self) -> int:
        """How many templates nuclei says it runs; until it does, how many it is given."""
        return self.said.templates or len(self.choice.files)

    @property
    def template_ids(self) -> tuple[str, ...]:
        """The ids of those of which nuclei tells how they ended, in the order that coverage counts along."""
        return self.work.template_ids

    @property
    def pairs_left(self) -> int:
        """How many pairs of target and template are not done yet."""
        return sum(len(left) for left in self.work.left(self.targets, self.coverage).values())

    async def prepare(self) -> None:
        """Read the templates beside the loop."""
        await asyncio.to_thread(lambda: self.choice)
        await super().prepare()

    async def produce(self) -> AsyncIterator[Any]:
        """Its results; afterwards what could not be reached, and what went wrong."""
        for line in (*self.choice.unsigned, *remarks(self.limits, len(self.targets))):
            yield Warning_(message=line)
        files, targets = self.work.next(self.targets, self.coverage)
        if not files or not targets:
            return  # all is done
        self._given = targets
        if self.coverage is not None:
            self._ledger = Ledger(self.coverage, self.work.positions(self.coverage), targets)
        async with at_home(targets, files, self.limits.resolvers) as home, self._gated() as gate:
            self.cwd, self.env = home, environment(home, os.environ) | proxies(gate.url)
            try:
                async with aclosing(cast("AsyncGenerator[Any]", super().produce())) as produced:
                    async for raw in produced:
                        yield raw
            except OSError as refusal:
                self.failure = ToolUnusable(f"{self.argv[0]} cannot be run: {refusal.strerror}")
                yield Error(message=str(self.failure))
        for error in self._unreached(gate):
            yield error
        if self.failure is None and not (self._is_deserted or self._has_lost_lines):
            await asyncio.to_thread(self._ledger.finish, self.work.would_complain)
        if self.said.errors and not self.unreached_count:
            yield Warning_(
                message=f"nuclei counts {self.said.errors} errors in {self.said.requests} requests"
            )
        if self.failure is None:
            self.emit(Progress(percent=100, detail=f"{self.said.requests} requests"))  # after all others

    def parse(self, line: str) -> str:
        """A line is decoded once, by what knows its form."""
        return line

    def convert(self, raw: str) -> Iterator[Item]:
        """The sighting in a line. What is no result, or of a stranger, is left out, and said so."""
        if TALK.match(raw):
            return
        try:
            record = records.read(raw)
        except records.BadRecord as error:
            self._has_lost_lines = True
            yield from self._warning(f"a line of nuclei was left out: {error}")
            return
        if record.matcher_status:
            yield from self._seen(record)
        else:
            self._ended(record)

    def _ended(self, record: records.Record) -> None:
        where = str(record.url or record.host)
        given_up = self._gate is not None and place_dialled(where) in self._gate.given_up
        self._ledger.ended(str(record.template_path), where, str(record.error or ""), is_given_up=given_up)

    def _seen(self, record: records.Record) -> Iterator[Item]:
        item = records.sighting(
            record,
            engine=self.engine,
            run_id=self.run_id,
            project_id=self.plan.project_id,
        )
        file, where = str(record.template_path), str(record.url or item.target)
        item.target = self._ledger.name(where) or item.target
        if template := self.choice.templates.get(file):
            item.template_sha256 = template.sha256
        self._ledger.matched(file, where)
        if host := self._stranger(item.target, item.matched_at, item.type):
            if host not in self._strangers:
                self._strangers.add(host)
                yield from self._warning(f"nuclei reports on {host}, which is not in the scope: left out")
        else:
            yield item

    def heard(self, data: bytes) -> None:
        """Show how far it is."""
        told = self.said.hear(data)
        while self.said.complaints:
            self._ledger.complained(*self.said.complaints.pop())
        if told:
            self.request_count = self.said.requests
            self.emit(self.said.progress())

    async def overdue(self) -> str:
        """Until it has shown no sign of work for a while."""
        patience, pulse, since = self.limits.hang_timeout, self._pulse(), time.monotonic()
        while time.monotonic() - since < patience:
            await asyncio.sleep(min(1.0, patience))
            if self._is_deserted_now():
                self._is_deserted = True
                return "was ended: no target gives an answer any more"
            if (now := self._pulse()) != pulse:
                pulse, since = now, time.monotonic()
        return f"was ended: it hung, without a sign of work for {patience:g} seconds"

    def troubles(self, stderr: str, ended: str) -> list[Item]:
        """By its exit code and its last words."""
        if self._is_deserted:
            return []
        words = [*self.said.words]
        self.failure = failure(self.exit_code or 0, words, ended)
        if self.failure is None:
            return []
        if isinstance(self.failure, ToolStopped):
            self.partial = str(self.failure)
        return [Error(message=str(self.failure), detail=redact_text(stderr)[-2_000:])]

    def _pulse(self) -> tuple[int, ...]:
        return (*self.said.pulse, self._gate.connections if self._gate else 0)

    def _warning(self, message: str) -> Iterator[Item]:
        self._warned += 1
        if self._warned < MOST_WARNINGS:
            yield Warning_(message=redact_text(message))
        elif self._warned == MOST_WARNINGS:
            yield Warning_(message="there is more of this kind, of which no word is said")

    def _stranger(self, target: str, matched_at: str, kind: str) -> str:
        """The host of a result that may not have been looked at; empty for those that may."""
        hosts = (place_of(target, kind).host, place_of(matched_at, kind).host)
        return next((host for host in hosts if host and not self.scope.admits(host)), "")

    def _is_deserted_now(self) -> bool:
        """Whether there is nobody left to ask."""
        return self._gate is not None and all(
            place_dialled(each) in self._gate.given_up for each in self._given
        )

    def _unreached(self, gate: Gate) -> Iterator[Error]:
        """The endpoints of which no connection was ever made, and those that were given up."""
        for target in self.targets:
            place = place_dialled(target)
            reason = gate.failed.get(place, "it gave no answer any more")
            if place in gate.given_up:
                self._ledger.give_up(target)
            if place not in gate.reached and place in gate.failed:
                self.unreached_count += 1
                yield Error(message=redact_text(f"{target} was not scanned: {reason}"))
            elif place in gate.given_up:
                yield Error(message=redact_text(f"{target} was given up: {reason}"))

    @asynccontextmanager
    async def _gated(self) -> AsyncIterator[Gate]:
        """With a gate to dial through. Programs that resolve names themselves ask for addresses."""
        known = await addresses_of(self.targets)
        allows = self.scope.allows
        async with Gate(
            lambda host, address, _port: allows(host, address) or address in known,
            patience=self.limits.timeout,
            pace=Pacing(self.limits).wait,
            on_refused=self._refused,
        ) as gate:
            self._gate = gate
            self.argv = [*self.argv, "-metrics-port", str(free_port()), "-proxy", gate.url]
            yield gate

    def _refused(self, error: OutOfScope) -> None:
        for warning in self._warning(f"nuclei was refused at the gate: {error}"):
            self.emit(warning)

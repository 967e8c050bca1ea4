"""nuclei's life: it dials through a gate, its results are read as they come, its silence is noticed."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import Any, cast

from rookery.base.errors import RookeryError
from rookery.base.redact import redact_text
from rookery.domains.findings.formats import nuclei as records
from rookery.domains.findings.places import place_of
from rookery.domains.scans.errors import ToolStopped, ToolUnusable
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.tools.contract import ToolJob
from rookery.domains.scans.tools.nuclei.choosing import Choice, choose, protocols_given
from rookery.domains.scans.tools.nuclei.command import arguments, environment, proxies
from rookery.domains.scans.tools.nuclei.endings import NONE_ACCEPTED, failure
from rookery.domains.scans.tools.nuclei.manners import remarks
from rookery.domains.scans.tools.nuclei.parts import Course, Part
from rookery.domains.scans.tools.nuclei.surroundings import at_home, free_port, gated, place_dialled
from rookery.domains.scans.tools.nuclei.working import Work
from rookery.domains.scans.tools.running import ScanRunner
from rookery.mechanisms.hooks import Error, Item, Progress, Warning_
from rookery.mechanisms.runner import CommandRunner
from rookery.mechanisms.transport import Gate, OutOfScope

MOST_WARNINGS = 20
LONGEST_LINE = 8 << 20  # bytes
TALK = re.compile(r"\[[A-Z]{2,3}\] |\t|$")


class NucleiRunner(ScanRunner, CommandRunner):
    """Runs nuclei on a plan's endpoints.

    It dials through a gate, so that the scope holds for every connection, redirects included. It is started
    for some targets at a time. What it did is taken down in a ledger, for templates of one protocol; of
    others it does not tell enough.
    """

    name = "nuclei"
    can_resume = True

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
        memory = job.limits.nuclei_memory << 20
        super().__init__(argv, job.plan.endpoints, max_line=LONGEST_LINE, memory=memory, **options)
        self.plan, self.limits = job.plan, job.limits
        self.engine, self._version = f"nuclei {version}".strip(), version
        self._course = Course()
        self._gate: Gate | None = None
        self._warned = 0
        self._strangers: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        """Without what is of one process, and what a copy reads again."""
        left_out = {"choice", "work", "_part"}
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

    @cached_property
    def _part(self) -> Part:
        """The part under way; before and after, an empty one."""
        return Part()

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many templates it is not given, by reason."""
        return self.choice.skipped

    @property
    def template_count(self) -> int:
        """How many templates nuclei says it runs; until it does, how many it is given."""
        return self._part.said.templates or self._course.templates or len(self.choice.files)

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
        parts = await asyncio.to_thread(self._parts)
        if not parts:
            return  # all is done
        self._course = Course(sum(len(part.targets) for part in parts))
        argv = self.argv
        async with gated(self.targets, self.scope, self.limits, self._refused) as gate:
            self._gate = gate
            for part in parts:
                self.argv = [*argv, "-metrics-port", str(free_port()), "-proxy", gate.url]
                async with aclosing(self._done(part, gate)) as produced:
                    async for raw in produced:
                        yield raw
                if self.failure is not None:
                    break
        for error in self._unreached(gate):
            yield error
        errors, requests = self._course.errors, self._course.requests
        if errors and not self.unreached_count:
            yield Warning_(message=f"nuclei counts {errors} errors in {requests} requests")
        if self.failure is None:
            self.emit(Progress(percent=100, detail=f"{requests} requests"))  # after all others

    def _parts(self) -> list[Part]:
        return [*self.work.parts(self.targets, self.coverage, self.limits.nuclei_targets)]

    async def _done(self, part: Part, gate: Gate) -> AsyncGenerator[Any]:
        """The results of a part; nobody is asked who was given up in one before."""
        self._part = part
        given = tuple(each for each in part.targets if place_dialled(each) not in gate.given_up)
        if given:
            async with aclosing(self._started_for(given, part.files, gate)) as produced:
                async for raw in produced:
                    yield raw
        for target in part.targets:
            if place_dialled(target) in gate.given_up:
                part.ledger.give_up(target)
        if given and self.failure is None and not (part.is_deserted or part.has_lost_lines):
            await asyncio.to_thread(part.ledger.finish, self.work.would_complain)
        self._course.add(part)
        self._part = Part()

    async def _started_for(
        self, targets: tuple[str, ...], files: tuple[str, ...], gate: Gate
    ) -> AsyncGenerator[Any]:
        memory = self.limits.nuclei_memory
        async with at_home(targets, files, self.limits.resolvers) as home:
            self.cwd, self.env = home, environment(home, os.environ, memory=memory) | proxies(gate.url)
            try:
                async with aclosing(cast("AsyncGenerator[Any]", super().produce())) as produced:
                    async for raw in produced:
                        yield raw
            except OSError as refusal:
                self._fail(error := ToolUnusable(f"{self.argv[0]} cannot be run: {refusal.strerror}"))
                yield Error(message=str(error))

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
            self._part.has_lost_lines = True
            yield from self._warning(f"a line of nuclei was left out: {error}")
            return
        if record.matcher_status:
            yield from self._seen(record)
        else:
            self._ended(record)

    def _ended(self, record: records.Record) -> None:
        where = str(record.url or record.host)
        given_up = self._gate is not None and place_dialled(where) in self._gate.given_up
        self._part.ledger.ended(
            str(record.template_path), where, str(record.error or ""), is_given_up=given_up
        )

    def _seen(self, record: records.Record) -> Iterator[Item]:
        item = records.sighting(
            record,
            engine=self.engine,
            run_id=self.run_id,
            project_id=self.plan.project_id,
        )
        file, where = str(record.template_path), str(record.url or item.target)
        item.target = self._part.ledger.name(where) or item.target
        if template := self.choice.templates.get(file):
            item.template_sha256 = template.sha256
        self._part.ledger.matched(file, where)
        if host := self._stranger(item.target, item.matched_at, item.type):
            if host not in self._strangers:
                self._strangers.add(host)
                yield from self._warning(f"nuclei reports on {host}, which is not in the scope: left out")
        else:
            yield item

    def heard(self, data: bytes) -> None:
        """Show how far it is."""
        part, said = self._part, self._part.said
        told = said.hear(data)
        while said.complaints:
            part.ledger.complained(*said.complaints.pop())
        if told:
            self.request_count = self._course.requests + said.requests
            self.emit(self._course.progress(part))

    async def overdue(self) -> str:
        """Until it has shown no sign of work for a while."""
        patience, pulse, since = self.limits.hang_timeout, self._pulse(), time.monotonic()
        while time.monotonic() - since < patience:
            await asyncio.sleep(min(1.0, patience))
            if self._is_deserted_now():
                self._part.is_deserted = True
                return "was ended: no target gives an answer any more"
            if (now := self._pulse()) != pulse:
                pulse, since = now, time.monotonic()
        return f"was ended: it hung, without a sign of work for {patience:g} seconds"

    def troubles(self, stderr: str, ended: str) -> list[Item]:
        """By its exit code and its last words."""
        part = self._part
        if part.is_deserted:
            return []
        found = failure(
            self.exit_code or 0,
            [*part.said.words],
            ended,
            crash=part.said.crash,
            memory=self.limits.nuclei_memory,
        )
        if found is None:
            return []
        if part.goes_on and str(found) == NONE_ACCEPTED:
            return [Warning_(message="nuclei accepts none of the templates that were left for some targets")]
        self._fail(found)
        return [Error(message=str(found), detail=redact_text(stderr)[-2_000:])]

    def _fail(self, error: RookeryError) -> None:
        self.failure = error
        if isinstance(error, ToolStopped) or self._course.done:
            self.partial = str(error)

    def _pulse(self) -> tuple[int, ...]:
        return (*self._part.said.pulse, self._gate.connections if self._gate else 0)

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
            place_dialled(each) in self._gate.given_up for each in self._part.targets
        )

    def _unreached(self, gate: Gate) -> Iterator[Error]:
        """The endpoints of which no connection was ever made, and those that were given up."""
        for target in self.targets:
            place = place_dialled(target)
            reason = gate.failed.get(place, "it gave no answer any more")
            if place not in gate.reached and place in gate.failed:
                self.unreached_count += 1
                yield Error(message=redact_text(f"{target} was not scanned: {reason}"))
            elif place in gate.given_up:
                yield Error(message=redact_text(f"{target} was given up: {reason}"))

    def _refused(self, error: OutOfScope) -> None:
        for warning in self._warning(f"nuclei was refused at the gate: {error}"):
            self.emit(warning)

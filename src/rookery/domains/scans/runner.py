"""The embedded tool: templates over network and files, as a runner that emits sightings, errors, progress."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from rookery.base.config import Scan as Limits
from rookery.base.config import Templates
from rookery.base.ids import new_id
from rookery.base.redact import redact_text
from rookery.domains.findings.items import Vulnerability
from rookery.domains.scans.advance import Advance
from rookery.domains.scans.coverage import Outcome, places_of
from rookery.domains.scans.endpoints import is_path
from rookery.domains.scans.hearing import HTTP, Heard
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.sightings import sighting
from rookery.domains.scans.stored import AnyFiles, is_stored
from rookery.domains.scans.targets import name_of, outcome_of, targets_of, trouble_of
from rookery.domains.scans.tools.running import ScanRunner
from rookery.domains.templates import Selection, open_library
from rookery.domains.templates.places import SHIPPED, for_configurations
from rookery.mechanisms.engine import Match, Target, Template
from rookery.mechanisms.hooks import Error, Item, Warning_
from rookery.mechanisms.texts import Texts
from rookery.mechanisms.transport import (
    DiskFiles,
    Done,
    FileUnreadable,
    HttpClient,
    Ports,
    count_requests,
    ports_beside,
    run_templates,
)


class TemplateRunner(ScanRunner):
    """Runs a plan's templates on its endpoints, within `limits`, whatever limits the plan itself asks for."""

    name = "templates"
    can_resume = True

    def __init__(
        self,
        plan: ScanPlan,
        scope_entries: Sequence[str],
        limits: Limits,
        *,
        data_dir: Path | None = None,
        policy: Templates | None = None,
        texts: Texts | None = None,
        **options: Any,
    ) -> None:
        super().__init__(plan.endpoints, **options)
        self.data_dir, self.policy, self.texts = data_dir, policy or Templates(), texts
        self.plan = plan
        self.limits = limits
        self.run_id = plan.run_id or new_id()
        self.context["run_id"] = self.run_id
        self.scope_entries = tuple(scope_entries)
        self._heard = Heard()

    @cached_property
    def selection(self) -> Selection:
        """The compiled templates and what was left out; the first use reads the files."""
        wanted = self.plan.wanted
        library = open_library(self._places(), self.data_dir, self.policy, include_tags=wanted.include_tags)
        return library.select(wanted)

    def _places(self) -> tuple[Path, ...]:
        """What the plan names; else what is installed, and for stored configurations the checks of those."""
        kinds = {is_stored(endpoint) for endpoint in self.targets}
        if self.plan.templates or True not in kinds:
            return self.plan.templates
        own_and_checks = for_configurations(self.data_dir)
        return own_and_checks if kinds == {True} else (*own_and_checks, SHIPPED)

    @property
    def skipped(self) -> dict[str, int]:
        """How many templates were left out, by reason, the most frequent first; a broken file is named."""
        reasons = (one.described for one in self.selection.skipped)
        return dict(Counter(reasons).most_common())

    @property
    def template_ids(self) -> tuple[str, ...]:
        """The ids of the templates, in the order that coverage counts along."""
        return tuple(template.id for template in self.selection.templates)

    @cached_property
    def _positions(self) -> dict[str, int]:
        """Where each template's file is in the run's list."""
        ids = self.coverage.template_ids if self.coverage else self.template_ids
        return places_of(ids, ((template.id, template.path) for template in self.selection.templates))

    @property
    def pairs_left(self) -> int:
        """How many pairs of target and template are not done yet."""
        return sum(len(self._left(target)) for target, _ in self._found())

    def _found(self) -> list[tuple[Target, Item | None]]:
        """The targets of every endpoint; of one that has none, itself and the reason."""
        found: list[tuple[Target, Item | None]] = []
        for endpoint in self.targets:
            try:
                found += ((target, None) for target in targets_of(endpoint, self.texts))
            except FileUnreadable as error:
                found.append((Target(endpoint, is_file=True), Error(message=f"not scanned: {error}")))
        return found

    @cached_property
    def _templates(self) -> tuple[Template, ...]:
        """The templates of this run."""
        return tuple(each for each in self.selection.templates if each.path in self._positions)

    @cached_property
    def _suited(self) -> dict[bool, tuple[Template, ...]]:
        """Those for files (True), and those for everything else."""
        kinds = {kind: Target("http://any", is_file=kind) for kind in (True, False)}
        return {
            kind: tuple(each for each in self._templates if target.suits(each.protocols))
            for kind, target in kinds.items()
        }

    def _left(self, target: Target) -> Sequence[Template]:
        """The templates that are to be run on a target: all that suit it, unless some are done or no use."""
        name, suited = name_of(target), self._suited[target.is_file]
        if name in self._heard.silent:
            suited = tuple(each for each in suited if HTTP not in each.protocols)
        if self.coverage is None or not self.coverage.has_done(name):
            return suited
        left = set(self.coverage.left(name, self._positions.values()))
        return [each for each in suited if self._positions[each.path] in left]

    def __getstate__(self) -> dict[str, Any]:
        """Without what a copy reads again."""
        made_anew = {"selection", "_positions", "_templates", "_suited"}
        return {name: value for name, value in super().__getstate__().items() if name not in made_anew}

    def describe(self) -> str:
        """What would run, in one line."""
        return f"{len(self.selection.templates)} templates on {', '.join(self.targets)}"

    async def prepare(self) -> None:
        """Read the templates beside the loop."""
        await asyncio.to_thread(lambda: self.selection)

    async def produce(self) -> AsyncIterator[Item]:
        """Ask every endpoint once, then run every template on those that answered."""
        try:
            async with aclosing(self._produced()) as produced:
                async for item in produced:
                    yield item
        except Exception as error:
            self.partial = redact_text(f"The engine broke off: {error}")
            raise

    async def _produced(self) -> AsyncGenerator[Item, None]:
        scope, limits = Scope(self.scope_entries), self.limits
        allow = partial(_allow, scope)
        async with HttpClient(
            allow,
            rate_limit=limits.rate_limit,
            host_rate_limit=limits.host_rate_limit,
            jitter=limits.jitter,
            retries=limits.retries,
            longest_pause=limits.longest_pause,
            concurrency=limits.concurrency,
            timeout=limits.timeout,
        ) as client:
            for line in self.selection.warnings:
                yield Warning_(message=line)
            roots = [each for each in self.targets if is_path(each) and not is_stored(each)]
            files = AnyFiles(await asyncio.to_thread(DiskFiles, roots), self.texts)
            ports = ports_beside(
                client, allow, timeout=limits.timeout, resolvers=limits.resolvers, files=files
            )
            for item in self._unsuited():
                yield item
            found = await asyncio.to_thread(self._found)
            targets: list[Target] = []
            for target, trouble in await self._asked(client, found):
                if trouble is not None:
                    yield trouble
                if isinstance(trouble, Error):
                    self._give_up(target, self._left(target))
                    self.unreached_count += 1
                else:
                    targets.append(target)
            pairs = sum(len(self._suited[target.is_file]) for target, _ in found)
            async for item in self._checked(client, ports, targets, pairs):
                yield item
            self.unreached_count += self._heard.silent_count
            if client.remarks:
                yield Warning_(message=client.remarks)

    def _unsuited(self) -> Iterator[Item]:
        """What to say when no template of this run is for the kind of an endpoint."""
        kinds = {is_path(endpoint) for endpoint in self.targets}
        idle = [kind for kind in sorted(kinds) if not self._suited[kind]]
        for is_file in idle:
            what = "files" if is_file else "anything but files"
            yield Warning_(message=f"No template of this run is for {what}: those endpoints were not checked")
        if len(idle) == len(kinds):
            self.partial = "No template suits what was to be scanned."

    async def _asked(
        self, client: HttpClient, found: Sequence[tuple[Target, Item | None]]
    ) -> list[tuple[Target, Item | None]]:
        """The targets on which something is left to do, each with what is wrong with it."""
        found = [(target, trouble) for target, trouble in found if trouble or self._left(target)]
        asked = (self._trouble(client, target, trouble) for target, trouble in found)
        troubles = await asyncio.gather(*asked)
        return [(target, trouble) for (target, _), trouble in zip(found, troubles, strict=True)]

    async def _trouble(self, client: HttpClient, target: Target, trouble: Item | None) -> Item | None:
        left = self._left(target)
        over_http = [each for each in left if HTTP in each.protocols]
        if trouble is not None or not over_http:
            return trouble
        trouble = await trouble_of(client, target)
        if isinstance(trouble, Error) and len(over_http) < len(left):
            self._give_up(target, over_http)
            self._heard.silent.add(name_of(target))
            return Warning_(message=trouble.message.replace("was not scanned:", "was not scanned over http:"))
        return trouble

    async def _checked(
        self, client: HttpClient, ports: Ports, targets: Sequence[Target], pairs: int
    ) -> AsyncIterator[Item]:
        """Run what is left of so many pairs of target and template in all."""
        advance = Advance(pairs, *await asyncio.to_thread(self._work, targets))
        running = run_templates(
            ports,
            self._templates,
            targets,
            concurrency=self.limits.concurrency,
            leave_out=self._is_left_out if self._heard.silent or self._goes_on else None,
        )
        async with aclosing(running) as results:
            async for done in results:
                self.request_count = client.sent
                for item in self._items(done):
                    yield item
                self._cover(done)  # only now: what it found has been taken in
                if progress := advance.over(done.template):
                    yield progress

    @property
    def _goes_on(self) -> bool:
        """Whether this run has been broken off before."""
        return self.coverage is not None and self.coverage.counts()[Outcome.OK.value] > 0

    def _work(self, targets: Sequence[Target]) -> tuple[int, int]:
        """How many pairs are left with these targets, and how many requests those are at most."""
        of_all = {kind: count_requests(templates) for kind, templates in self._suited.items()}
        pairs = requests = 0
        for target in targets:
            left = self._left(target)
            pairs += len(left)
            is_all = left is self._suited[target.is_file]
            requests += of_all[target.is_file] if is_all else count_requests(left)
        return pairs, requests

    def _is_left_out(self, template: Template, target: Target) -> bool:
        name = name_of(target)
        if name in self._heard.silent and HTTP in template.protocols:
            return True
        return self.coverage is not None and self.coverage.is_done(name, self._positions[template.path])

    def _give_up(self, target: Target, templates: Sequence[Template]) -> None:
        if self.coverage is not None:
            left = [self._positions[template.path] for template in templates]
            self.coverage.record_all(name_of(target), left, Outcome.SKIPPED)

    def _cover(self, done: Done) -> None:
        if self.coverage is not None:
            position = self._positions[done.template.path]
            self.coverage.record(name_of(done.target), position, outcome_of(done))

    def _items(self, done: Done) -> Iterator[Item]:
        for match in done.outcome.matches:
            yield self._sighting(match, done.target)
        for error in self._heard.news(done):
            yield Error(message=redact_text(str(error)))

    def _sighting(self, match: Match, target: Target) -> Vulnerability:
        return sighting(match, name_of(target), run_id=self.run_id, project_id=self.plan.project_id)


def _allow(scope: Scope, host: str, address: str, _port: int) -> bool:
    return scope.allows(host, address)

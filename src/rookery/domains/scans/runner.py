"""The tool of a scan: templates over HTTP, as a runner that emits sightings, errors and progress."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from functools import cached_property
from typing import Any

from rookery.base.config import Scan as Limits
from rookery.base.ids import new_id
from rookery.base.redact import redact_text
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.rules import fingerprint
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.scope import Scope
from rookery.domains.templates import Selection, load, load_shipped, select
from rookery.mechanisms.engine import Match, Target
from rookery.mechanisms.hooks import Error, Item, Progress, Warning_
from rookery.mechanisms.runner import Runner
from rookery.mechanisms.transport import (
    Done,
    HttpClient,
    OutOfScope,
    TooManyRedirects,
    TransportError,
    count_requests,
    reach,
    run_templates,
)

PROGRESS_EVERY = 0.1  # seconds
KEPT_ERRORS = 100


class TemplateRunner(Runner):
    """Runs a plan's templates on its endpoints, within `limits`, whatever limits the plan itself asks for."""

    name = "templates"

    def __init__(self, plan: ScanPlan, scope_entries: Sequence[str], limits: Limits, **options: Any) -> None:
        super().__init__(plan.endpoints, **options)
        self.plan = plan
        self.limits = limits
        self.run_id = plan.run_id or new_id()
        self.context["run_id"] = self.run_id
        self.scope_entries = tuple(scope_entries)
        self.errors: list[Error] = []
        self.severities: Counter[str] = Counter()
        self.request_count = 0
        self.unreached_count = 0
        self._said: set[tuple[str, type]] = set()
        self._progress_due = 0.0

    @cached_property
    def selection(self) -> Selection:
        """The compiled templates and what was left out; the first use reads the files."""
        library = load(self.plan.templates) if self.plan.templates else load_shipped()
        chosen = select(library.templates, severities=self.plan.severity_levels)
        return Selection(chosen.templates, (*library.skipped, *chosen.skipped))

    @property
    def skipped(self) -> dict[str, int]:
        """How many templates were left out, by reason, the most frequent first; a broken file is named."""
        reasons = (
            f"{one.path} {one.reason}" if one.is_broken else one.reason for one in self.selection.skipped
        )
        return dict(Counter(reasons).most_common())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "selection"}

    def describe(self) -> str:
        """What would run, in one line."""
        return f"{len(self.selection.templates)} templates on {', '.join(self.targets)}"

    async def prepare(self) -> None:
        """Read the templates beside the loop."""
        await asyncio.to_thread(lambda: self.selection)

    async def produce(self) -> AsyncIterator[Item]:
        """Ask every endpoint once, then run every template on those that answered."""
        scope, limits = Scope(self.scope_entries), self.limits
        async with HttpClient(
            lambda host, address, _port: scope.allows(host, address),
            rate_limit=limits.rate_limit,
            concurrency=limits.concurrency,
            timeout=limits.timeout,
        ) as client:
            targets: list[Target] = []
            for target, trouble in await self._asked(client):
                if trouble is not None:
                    yield trouble
                if isinstance(trouble, Error):
                    self.unreached_count += 1
                else:
                    targets.append(target)
            async for item in self._checked(client, targets):
                yield item

    async def _asked(self, client: HttpClient) -> list[tuple[Target, Item | None]]:
        targets = [Target(endpoint) for endpoint in self.targets]
        troubles = await asyncio.gather(*(self._trouble(client, target) for target in targets))
        return list(zip(targets, troubles, strict=True))

    async def _trouble(self, client: HttpClient, target: Target) -> Item | None:
        """Why a target is no use (Error), or what is odd about it (Warning)."""
        try:
            page = await reach(client, target)
        except (TooManyRedirects, OutOfScope) as error:
            return Warning_(message=redact_text(f"{target.url}: {error}"))
        except TransportError as error:
            return Error(message=redact_text(f"{target.url} was not scanned: {error}"))
        if page.truncated:
            return Warning_(
                message=redact_text(f"{target.url}: its page is endless, or very long; it was cut")
            )
        return None

    async def _checked(self, client: HttpClient, targets: Sequence[Target]) -> AsyncIterator[Item]:
        templates = self.selection.templates
        total, done_requests = len(targets) * count_requests(templates), 0
        running = run_templates(client, templates, targets, concurrency=self.limits.concurrency)
        async with aclosing(running) as results:
            async for done in results:
                done_requests += done.template.request_count
                self.request_count = client.sent
                for item in self._items(done):
                    yield item
                if self._is_progress_due() or done_requests == total:
                    yield Progress(
                        percent=100 * done_requests / total, detail=f"{done_requests} of {total} checks"
                    )

    def _is_progress_due(self) -> bool:
        now = time.monotonic()
        if now < self._progress_due:
            return False
        self._progress_due = now + PROGRESS_EVERY
        return True

    def _items(self, done: Done) -> Iterator[Item]:
        for match in done.outcome.matches:
            yield self._sighting(match, done.target)
        for error in done.outcome.failed:
            kind = (done.target.url, type(error))
            if kind not in self._said:  # a dying host says the same a thousand times
                self._said.add(kind)
                yield Error(message=redact_text(str(error)))

    def _sighting(self, match: Match, target: Target) -> Vulnerability:
        info, matcher = match.template.info, match.matcher_name or match.extractor_name
        return Vulnerability(
            template_id=match.template_id,
            name=info.name,
            severity=info.severity,
            target=f"{target.scheme}://{target.netloc}",
            matched_at=match.matched_at,
            matcher=matcher,
            extracted=[redact_text(text) for text in match.extracted],
            description=info.description,
            remediation=info.remediation,
            reference=list(info.reference),
            tags=list(info.tags),
            run_id=self.run_id,
            fingerprint=fingerprint(
                match.template_id, matcher, match.template.without_chance(match.matched_at)
            ),
        )

    def count(self, _runner: Runner, item: Item) -> None:
        """A hook: count what is stored, for the result and the exit status."""
        if isinstance(item, Vulnerability):
            self.severities[item.severity] += 1

    def on_error(self, error: Error) -> None:
        """Keep what went wrong for the run's row."""
        if len(self.errors) < KEPT_ERRORS:
            self.errors.append(error)

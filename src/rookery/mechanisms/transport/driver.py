"""Templates over the network: drives the engine's generators with ports."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence

from rookery.mechanisms.engine import (
    MOST_REDIRECTS,
    Outcome,
    RedirectRule,
    Response,
    Target,
    Template,
    execute,
    plain_get,
)
from rookery.mechanisms.engine.plan import Done, Plan, Shared
from rookery.mechanisms.transport.errors import TooManyRedirects
from rookery.mechanisms.transport.ports import HttpPort, Ports

MOST_WAITING = 20_000  # executions, each of some kilobytes
LONGEST_STRETCH = 0.005  # seconds of work before others get the event loop
LONGEST_OF_LARGE = (
    0.25  # the same with a body of megabytes: while others wait, no second one arrives beside it
)
LARGE = 1 << 20  # bytes
ANYWHERE = RedirectRule(follow=True, any_host=True)


def count_requests(templates: Iterable[Template]) -> int:
    """How many requests these templates send to one target at most, redirects not counted."""
    return sum(template.request_count for template in templates)


async def run_template(
    ports: Ports, template: Template, target: Target, variables: Mapping[str, str] | None = None
) -> Outcome:
    """Run one template on one target. Failed requests are in the outcome; only bugs raise."""
    running = execute(template, target, variables)
    try:
        ask = next(running)
        while True:
            ask = running.send(await ports.answer(ask))
    except StopIteration as finished:
        outcome: Outcome = finished.value
        return outcome
    finally:
        running.close()


async def run_templates(
    ports: Ports,
    templates: Sequence[Template],
    targets: Iterable[Target],
    *,
    concurrency: int = 25,
    leave_out: Callable[[Template, Target], bool] | None = None,
) -> AsyncGenerator[Done, None]:
    """Run every template on every target it suits; each pair is yielded as soon as it is done.

    What several templates ask of one target is asked once. At most `concurrency` asks are under way. Pairs
    that `leave_out` says yes to are not run. Leaving the loop early cancels what runs.
    """
    finished: asyncio.Queue[Done | BaseException | None] = asyncio.Queue(maxsize=concurrency)
    work = _Work(templates, targets, leave_out, finished)
    workers = [asyncio.create_task(_work(ports, work)) for _ in range(concurrency)]
    try:
        for _ in workers:
            while (done := await finished.get()) is not None:
                if isinstance(done, BaseException):
                    raise done
                yield done
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        work.close()
        gc.unfreeze()


class _Work:
    """The asks of all targets. Another target is begun when those before it leave workers idle, and while not
    too many executions wait, each of which takes memory."""

    def __init__(
        self,
        templates: Sequence[Template],
        targets: Iterable[Target],
        leave_out: Callable[[Template, Target], bool] | None,
        finished: asyncio.Queue[Done | BaseException | None],
    ) -> None:
        self._templates, self._targets, self._leave_out = templates, iter(targets), leave_out
        self._plans: list[Plan] = []
        self._has_more, self._is_beginning = True, False
        self._idle: deque[asyncio.Future[None]] = deque()
        self.finished = finished

    async def next(self) -> tuple[Plan, Shared] | None:
        """An ask of some target, as soon as there is one; None when all is done."""
        while True:
            for plan in self._plans:
                if (shared := plan.take()) is not None:
                    return plan, shared
            self._plans = [plan for plan in self._plans if plan.executions]
            if self._may_begin():
                await self._begin()
            elif not self._plans and not self._is_beginning:
                return None
            else:
                await self._woken()

    async def _woken(self) -> None:
        """Wait for something to do."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(waiter)
        await waiter

    def _may_begin(self) -> bool:
        if not self._has_more or self._is_beginning:
            return False
        waiting = sum(plan.executions for plan in self._plans)
        return not self._plans or waiting + len(self._templates) <= MOST_WAITING

    async def _begin(self) -> None:
        target = next(self._targets, None)
        self._has_more = target is not None
        if target is None:
            self.change()
            return
        self._is_beginning = True
        try:
            plan = Plan(target)
            await self.hand_on(plan.begin(template) for template in self._chosen(target))
            self._plans.append(plan)
            gc.freeze()  # a third of the CPU would go into looking at thousands of executions that wait
        finally:
            self._is_beginning = False
            self.change()

    def _chosen(self, target: Target) -> Iterator[Template]:
        suited = (one for one in self._templates if target.suits(one.protocols))
        return (one for one in suited if not (self._leave_out and self._leave_out(one, target)))

    def change(self) -> None:
        """Wake as many idle workers as there is something for, and all of them when a target is done."""
        asks = sum(plan.asks for plan in self._plans)
        is_over = not all(plan.executions for plan in self._plans)
        for _ in range(len(self._idle) if is_over or not self._plans else min(asks, len(self._idle))):
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)

    async def hand_on(self, results: Iterable[Done | None], stretch: float = LONGEST_STRETCH) -> None:
        """Hand on what is done, once the answer it came from is let go; every `stretch` seconds, let others
        have the event loop."""
        handed: list[Done] = []
        until = time.perf_counter() + stretch
        for done in results:
            if done is not None:
                handed.append(done)
            if time.perf_counter() > until:
                await asyncio.sleep(0)
                until = time.perf_counter() + stretch
        for done in handed:
            await self.finished.put(done)

    def close(self) -> None:
        """Leave what is not done."""
        for plan in self._plans:
            plan.close()


async def _work(ports: Ports, work: _Work) -> None:
    try:
        while (piece := await work.next()) is not None:
            plan, shared = piece
            answer = await ports.answer(shared.ask)
            is_large = isinstance(answer, Response) and len(answer.body) > LARGE
            results = plan.give(shared, answer)
            del answer  # of megabytes, perhaps: not to be kept while the results wait to be taken
            await work.hand_on(results, LONGEST_OF_LARGE if is_large else LONGEST_STRETCH)
            work.change()
    except Exception as error:  # noqa: BLE001 -- handed to the one who iterates, who raises it
        await work.finished.put(error)
    await work.finished.put(None)


async def reach(port: HttpPort, target: Target) -> Response:
    """The page at a target, after redirects: what a scan asks first, to say plainly why a target is no use.

    TransportError, OutOfScope, or TooManyRedirects.
    """
    request = plain_get(target)
    for _ in range(MOST_REDIRECTS + 1):
        response = await port.send(request)
        following = ANYWHERE.next(request, response)
        if following is None:
            return response
        request = following
    place = f"{target.host}:{target.port}"
    raise TooManyRedirects(f"{place}: more than {MOST_REDIRECTS} redirects, the last to {request.url[:200]}")

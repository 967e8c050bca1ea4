"""Templates over the network: drives the engine's generators with a port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rookery.base.errors import RookeryError
from rookery.mechanisms.engine import (
    MOST_REDIRECTS,
    Outcome,
    RedirectRule,
    Request,
    RequestFailed,
    Response,
    Target,
    Template,
    execute,
    plain_get,
)
from rookery.mechanisms.transport.errors import TooManyRedirects
from rookery.mechanisms.transport.ports import HttpPort

ANYWHERE = RedirectRule(follow=True, any_host=True)


@dataclass(frozen=True, slots=True)
class Done:
    """One template has been run on one target."""

    template: Template
    target: Target
    outcome: Outcome


def count_requests(templates: Iterable[Template]) -> int:
    """How many requests these templates send to one target at most, redirects not counted."""
    return sum(template.request_count for template in templates)


async def run_template(port: HttpPort, template: Template, target: Target) -> Outcome:
    """Run one template on one target. Failed requests are in the outcome; only bugs raise."""
    running = execute(template, target)
    try:
        request = next(running)
        while True:
            request = running.send(await _answer(port, request))
    except StopIteration as finished:
        outcome: Outcome = finished.value
        return outcome
    finally:
        running.close()


async def _answer(port: HttpPort, request: Request) -> Response | RequestFailed:
    try:
        return await port.send(request)
    except RookeryError as error:
        return RequestFailed(error)


async def run_templates(
    port: HttpPort, templates: Sequence[Template], targets: Iterable[Target], *, concurrency: int = 25
) -> AsyncGenerator[Done, None]:
    """Run every template on every target, target by target; each pair is yielded as soon as it is done.

    At most `concurrency` pairs are under way. Leaving the loop early cancels them.
    """
    work = ((template, target) for target in targets for template in templates)
    finished: asyncio.Queue[Done | BaseException | None] = asyncio.Queue(maxsize=concurrency)
    workers = [asyncio.create_task(_work(port, work, finished)) for _ in range(concurrency)]
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


async def _work(
    port: HttpPort,
    work: Iterator[tuple[Template, Target]],
    finished: asyncio.Queue[Done | BaseException | None],
) -> None:
    try:
        for template, target in work:
            await finished.put(Done(template, target, await run_template(port, template, target)))
    except Exception as error:  # noqa: BLE001 -- handed to the one who iterates, who raises it
        await finished.put(error)
    await finished.put(None)


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

"""How nuclei is kept to a scan's manners: by its flags, by the gate, and where neither can, by saying so.

nuclei opens a connection for nearly every request, so that what waits at the gate is a request. Only
templates with payloads keep theirs open: for those its own rate holds alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from functools import partial

from rookery.base.config import Scan as Limits
from rookery.mechanisms.transport.rate import RateLimit

AS_USUAL = Limits()


def flags(limits: Limits, targets: int) -> list[str]:
    """Rate, concurrency, retries and patience, as nuclei takes them; for so many targets."""
    hosts = min(targets, math.isqrt(limits.concurrency)) or 1
    templates = max(1, min(limits.concurrency // hosts, _waiting_room(limits)))
    return [
        *_rate(_whole_rate(limits, targets)),
        *("-bulk-size", str(hosts), "-concurrency", str(templates), "-payload-concurrency", "1"),
        *("-retries", str(limits.retries), "-timeout", str(math.ceil(limits.timeout))),
    ]


def remarks(limits: Limits, targets: int) -> Iterator[str]:
    """What is asked for and nuclei cannot do."""
    if limits.host_rate_limit and targets > 1:
        yield (
            "nuclei keeps to scan.host_rate_limit but for templates with payloads: "
            "those have the limit of all hosts together"
        )
    if limits.longest_pause != AS_USUAL.longest_pause and limits.longest_pause:
        yield (
            "nuclei takes no pause when a host answers 429 or 503, whatever scan.longest_pause is: "
            "a lower rate, or the embedded engine, spares it"
        )


class Pacing:
    """At the gate: the rate of all, that of each host, and the differences between two requests."""

    def __init__(self, limits: Limits) -> None:
        self._all = RateLimit(limits.rate_limit, limits.jitter)
        of_one = partial(RateLimit, limits.host_rate_limit, limits.jitter)
        self._hosts: defaultdict[str, RateLimit] = defaultdict(of_one)

    async def wait(self, host: str) -> None:
        """Return when a connection to that host may be made."""
        await self._hosts[host].wait()
        await self._all.wait()


def _rate(per_second: float) -> tuple[str, ...]:
    """So many in so many seconds: a whole number, for it takes no other; its 0 is no limit."""
    if not per_second:
        return ("-rate-limit", "0")
    many = max(1, int(per_second))
    return ("-rate-limit", str(many), "-rate-limit-duration", f"{many / per_second:.6f}s")


def _whole_rate(limits: Limits, targets: int) -> float:
    """The rate of all hosts together, which is no more than what each may get."""
    of_hosts = limits.host_rate_limit * targets
    return min(limits.rate_limit or of_hosts, of_hosts or limits.rate_limit)


def _waiting_room(limits: Limits) -> int:
    """How many may wait for their turn at one host before they lose patience."""
    if not limits.host_rate_limit:
        return limits.concurrency
    return math.ceil(limits.host_rate_limit * limits.timeout)

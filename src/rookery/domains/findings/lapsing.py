"""Accepted risks whose time is over: who looks at findings finds them open again, and is told why."""

from __future__ import annotations

from collections.abc import Generator
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from rookery.domains.findings import settling
from rookery.domains.findings.events import AcceptancesEnded
from rookery.domains.findings.standing import RULE
from rookery.mechanisms.dual import dual, dual_stream
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.store.faults import DatabaseReadOnly

if TYPE_CHECKING:
    from rookery.mechanisms.async_rook import AsyncRook
    from rookery.mechanisms.dual import Dual, DualStream

P = ParamSpec("P")
R = TypeVar("R")

ITS_OWN = ("__module__", "__name__", "__qualname__", "__doc__")


@dual
def end_acceptances(rook: Rook, /) -> int:
    """Open again what was accepted until a day that has passed; how many. A database that takes no writes
    keeps them as they are."""
    if not settling.has_lapsed(rook):
        return 0
    by_rule = rook.acting_as(RULE)
    try:
        with by_rule.transaction() as session:
            count = settling.expire(session)
            if count:  # nobody was quicker
                by_rule.emit(AcceptancesEnded(count))
    except DatabaseReadOnly:
        return 0
    return count


def of_today(read: Dual[Any, Any, P, R]) -> Dual[Rook, AsyncRook, P, R]:
    """An operation on findings, as they stand now."""

    @wraps(read, assigned=ITS_OWN)
    def current(rook: Rook, /, *args: P.args, **kwargs: P.kwargs) -> R:
        end_acceptances(rook)
        return read(rook, *args, **kwargs)

    return dual(current)


def stream_of_today(read: DualStream[Any, Any, P, R]) -> DualStream[Rook, AsyncRook, P, R]:
    """A stream of findings, as they stand when it begins."""

    @wraps(read, assigned=ITS_OWN)
    def current(rook: Rook, /, *args: P.args, **kwargs: P.kwargs) -> Generator[R, None, None]:
        end_acceptances(rook)
        yield from read(rook, *args, **kwargs)

    return dual_stream(current)

"""`@hook`: says on the function itself which event it hears, and whether it wants its items in batches."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

from rookery.mechanisms.hooks.errors import HookError
from rookery.mechanisms.hooks.events import event_named

P = ParamSpec("P")
R = TypeVar("R")

MARK = "__rookery_hook__"


class Batching(NamedTuple):
    """How a hook wants its batches; None leaves it to the settings. Sizes in items, interval in seconds.

    `largest_batch` lets a batch grow to so many items while there is a backlog: what writes to a database
    wants that, what posts to a service with a limit does not. None: no batch exceeds `batch_size`.
    """

    batch_size: int | None = None
    batch_interval: float | None = None
    largest_batch: int | None = None

    def checked(self, where: str) -> Batching:
        """Itself; raises HookError that names `where` when a value makes no sense."""
        size, interval, largest = self
        for name, count in (("batch_size", size), ("largest_batch", largest)):
            if count is not None and not _is_count(count):
                raise HookError(f"{where}: {name} is a whole number from 1, not {count!r}")
        if interval is not None and not _is_seconds(interval):
            raise HookError(f"{where}: batch_interval is a number of seconds from 0, not {interval!r}")
        return self


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


class Mark(NamedTuple):
    """What the decorator leaves on a function."""

    event: str
    batching: Batching | None


def hook(
    event: str,
    *,
    batched: bool = False,
    batch_size: int | None = None,
    batch_interval: float | None = None,
    largest_batch: int | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function hear an event: `@hook("on_item")`, or `@hook("on_item", batch_size=500)`.

    With `batched` or any of the others, which are explained at `Batching`, the function is called
    `function(runner, items)`, off the hot path; calling it directly with a single item works, too. Raises
    HookError at once for an event that does not exist, or a size or interval that makes no sense.
    """
    event_named(event, "@hook")
    wanted = Batching(batch_size, batch_interval, largest_batch).checked(f"@hook({event!r})")
    batching = wanted if batched or wanted != Batching() else None

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        marked = taking_one_or_many(function) if batching else function
        setattr(marked, MARK, Mark(event, batching))
        return marked

    return mark


def taking_one_or_many(function: Callable[P, R]) -> Callable[P, R]:
    """The function, which is called with a list even when the caller has only one item."""

    @functools.wraps(function)
    def with_a_list(*args: P.args, **kwargs: P.kwargs) -> R:
        given: tuple[Any, ...] = args
        if len(given) > 1 and not isinstance(given[1], list):
            given = (given[0], [given[1]], *given[2:])
        return function(*given, **kwargs)

    return with_a_list

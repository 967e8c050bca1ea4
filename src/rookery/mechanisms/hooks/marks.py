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
    """How a hook wants its batches; None leaves it to the settings. Size in items, interval in seconds."""

    batch_size: int | None = None
    batch_interval: float | None = None

    def checked(self, where: str) -> Batching:
        """Itself; raises HookError that names `where` when a value makes no sense."""
        size, interval = self
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            raise HookError(f"{where}: batch_size is a whole number from 1, not {size!r}")
        if interval is not None and not _is_seconds(interval):
            raise HookError(f"{where}: batch_interval is a number of seconds from 0, not {interval!r}")
        return self


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
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function hear an event: `@hook("on_item")`, or `@hook("on_item", batch_size=500)`.

    With `batched`, a `batch_size` or a `batch_interval` the function is called `function(runner, items)`,
    off the hot path; calling it directly with a single item works, too. Raises HookError at once for an
    event that does not exist, or a size or interval that makes no sense.
    """
    event_named(event, "@hook")
    wants_batches = batched or batch_size is not None or batch_interval is not None
    batching = Batching(batch_size, batch_interval).checked(f"@hook({event!r})") if wants_batches else None

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

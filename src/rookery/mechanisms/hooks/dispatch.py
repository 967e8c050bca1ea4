"""Calling the hooks of an event in their order, each with the result of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rookery.mechanisms.hooks.errors import WrongResult
from rookery.mechanisms.hooks.events import DROP, EVENTS
from rookery.mechanisms.hooks.items import Item, Occurrence
from rookery.mechanisms.writebehind import SpoolFull

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rookery.mechanisms.hooks.events import Event
    from rookery.mechanisms.hooks.manager import AsyncHookManager
    from rookery.mechanisms.hooks.registry import HookFunction

NOTHING: Final = object()


class Dispatcher:
    """The hooks of one run.

    A hook that raises does not stop the run, nor the hooks after it: they get what it was given, and the
    failure, with the id of the item, goes to the manager's failures.
    """

    def __init__(self, plan: Mapping[str, tuple[HookFunction, ...]], manager: AsyncHookManager) -> None:
        self._plan = plan
        self._manager = manager
        self.dropped = 0

    async def fire(self, event: str, value: Any = NOTHING, *, skip: str = "") -> Any:
        """Call the hooks of `event`, but for the one named `skip`; the last result, or DROP (counted)."""
        for function in self._plan[event]:
            if skip and function.name == skip:
                continue
            result = await self._one(function, value)
            if result is DROP:
                self.dropped += 1
                return DROP
            if result is not None:
                value = result
        return value

    async def _one(self, function: HookFunction, value: Any) -> Any:
        try:
            if function.batching is None:
                arguments = () if value is NOTHING else (value,)
                return _useful(await self._manager.call(function, *arguments), function)
            await self._manager.submit(function, _queued(function.event, value))
        except Exception as error:  # noqa: BLE001 - a hook may raise anything, and must not end the run
            await self._failed(function, value, error)
        return None

    async def _failed(self, function: HookFunction, value: Any, error: Exception) -> None:
        failures, ids = self._manager.failures, (value._uuid,) if isinstance(value, Item) else ()
        if not isinstance(error, SpoolFull):
            failures.add(function.name, error, ids)
            return
        failures.add(function.name, error, ids, fate=" (delivering without it)")
        try:
            await self._manager.deliver_at_once(function, _queued(function.event, value))
        except Exception as refusal:  # noqa: BLE001 - as above
            failures.add(function.name, refusal, ids)


def _queued(event: Event, value: Any) -> Any:
    return Occurrence(event=event.name) if value is NOTHING else value


def _useful(result: Any, function: HookFunction) -> Any:
    """The result where the event has a use for it, else None; raises WrongResult for a wrong one."""
    event = function.event
    if result is None or event.returns is None:
        return None
    if result is DROP and event.may_drop:
        return result
    if result is not DROP and isinstance(result, event.returns):
        return result
    or_drop = ", or DROP to forget it" if event.may_drop else ""
    kind = "DROP" if result is DROP else type(result).__name__
    raise WrongResult(
        f"returned {kind}; {event.name} hooks return the {event.argument}, or None to leave it{or_drop}"
    )


EMPTY_PLAN: Final[Mapping[str, tuple[HookFunction, ...]]] = dict.fromkeys(EVENTS, ())
"""The plan of a run without hooks."""

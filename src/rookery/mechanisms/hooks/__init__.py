"""Hooks: functions that hear the events of a run, in line or in batches beside it. Knows no domain.

`load_hooks` reads a module or file into `Hooks`; `Dispatcher` calls them; `AsyncHookManager` delivers to
those that are batched or `async def`. What they are given are `Item`s.
"""

from __future__ import annotations

from rookery.mechanisms.hooks.dispatch import EMPTY_PLAN, Dispatcher
from rookery.mechanisms.hooks.errors import HookError, WrongResult
from rookery.mechanisms.hooks.events import DROP, EVENTS, Drop, Event
from rookery.mechanisms.hooks.failures import Failures, described
from rookery.mechanisms.hooks.items import (
    Error,
    Info,
    Item,
    Occurrence,
    Progress,
    Raw,
    Target,
    Warning_,
    item_from,
    type_name,
)
from rookery.mechanisms.hooks.loader import hooks_from, load_hooks
from rookery.mechanisms.hooks.manager import AsyncHookManager
from rookery.mechanisms.hooks.marks import Batching, hook
from rookery.mechanisms.hooks.recovery import recover
from rookery.mechanisms.hooks.registry import HookFunction, Hooks, HookTable
from rookery.mechanisms.hooks.settings import HookSettings

__all__ = [
    "DROP",
    "EMPTY_PLAN",
    "EVENTS",
    "AsyncHookManager",
    "Batching",
    "Dispatcher",
    "Drop",
    "Error",
    "Event",
    "Failures",
    "HookError",
    "HookFunction",
    "HookSettings",
    "HookTable",
    "Hooks",
    "Info",
    "Item",
    "Occurrence",
    "Progress",
    "Raw",
    "Target",
    "Warning_",
    "WrongResult",
    "described",
    "hook",
    "hooks_from",
    "item_from",
    "load_hooks",
    "recover",
    "type_name",
]

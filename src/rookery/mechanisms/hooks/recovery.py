"""Delivering what runs that died had been promised: their spools outlive them."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from rookery.base.ids import new_id
from rookery.mechanisms.hooks.events import EVENTS
from rookery.mechanisms.hooks.items import Item, decode, encode
from rookery.mechanisms.hooks.sink import HookSink
from rookery.mechanisms.writebehind import BatchQueue, Codec, has_leftovers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rookery.mechanisms.hooks.registry import Function, HookFunction, Hooks

CODEC: Codec[Any] = Codec(encode, decode)


def spool_of(folder: Path, name: str) -> Path:
    """Where a hook of that name spools, below the folder of all hooks."""
    return folder / re.sub(r"[^\w.-]", "_", name)


def named(functions: Iterable[HookFunction]) -> dict[Function, str]:
    """The batched functions of one run, each once, with the names of their queues and spools.

    Closures of one factory share their qualified name; in this order they get a number.
    """
    names: dict[Function, str] = {}
    counts = Counter[str]()
    for function in functions:
        if function.batching is not None and function.call not in names:
            counts[function.name] += 1
            number = counts[function.name]
            names[function.call] = function.name if number == 1 else f"{function.name}-{number}"
    return names


def key_of(value: object) -> str:
    """What makes two queued values versions of one: items have an identity, a plain value replaces none."""
    return value._uuid if isinstance(value, Item) else new_id()


def recover(hooks: Hooks, folder: Path) -> None:
    """Deliver to these batched hooks what dead runs have left for them, and return when that is done.

    Costs one look at a folder for each hook where nothing was left. The hooks are called without a runner
    (None). What cannot be delivered now stays in the spool.
    """
    in_order = [each for name in EVENTS for each in hooks.functions if each.event.name == name]
    for function, name in named(in_order).items():
        spool = spool_of(folder, name)
        if has_leftovers(spool):
            sink = HookSink(partial(function, None), function)
            BatchQueue(sink, name=name, codec=CODEC, key=key_of, spool=spool).close(timeout=30.0)

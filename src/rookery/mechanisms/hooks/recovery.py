"""Delivering what runs that died had been promised: their spools outlive them."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from rookery.base.ids import new_id
from rookery.mechanisms.hooks.items import Item, decode, encode
from rookery.mechanisms.hooks.sink import HookSink
from rookery.mechanisms.writebehind import BatchQueue, Codec, has_leftovers

if TYPE_CHECKING:
    from pathlib import Path

    from rookery.mechanisms.hooks.registry import Hooks

CODEC: Codec[Any] = Codec(encode, decode)


def spool_of(folder: Path, name: str) -> Path:
    """Where a hook of that name spools, below the folder of all hooks."""
    return folder / re.sub(r"[^\w.-]", "_", name)


def key_of(value: object) -> str:
    """What makes two queued values versions of one: items have an identity, a plain value replaces none."""
    return value._uuid if isinstance(value, Item) else new_id()


def recover(hooks: Hooks, folder: Path) -> None:
    """Deliver to these batched hooks what dead runs have left for them, and return when that is done.

    Costs one look at a folder for each hook where nothing was left. The hooks are called without a runner
    (None). What cannot be delivered now stays in the spool.
    """
    for function in hooks.functions:
        spool = spool_of(folder, function.name)
        if function.batching is not None and has_leftovers(spool):
            sink = HookSink(partial(function.call, None), function.call)
            BatchQueue(sink, name=function.name, codec=CODEC, key=key_of, spool=spool).close(timeout=30.0)

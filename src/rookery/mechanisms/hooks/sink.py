"""A batched hook as the sink of its queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from rookery.mechanisms.hooks.registry import Function
    from rookery.mechanisms.writebehind import Batch


class HookSink:
    """Gives batches to `deliver`, which calls the hook.

    A hook with a `retire(stream)` of its own, such as one that writes to SQL, hears when a stream has ended.
    """

    def __init__(self, deliver: Callable[[Batch[Any]], Any], hook: Function) -> None:
        self._deliver = deliver
        self.retire: Callable[[str], None] | None = getattr(hook, "retire", None)

    def __call__(self, batch: Batch[Any]) -> Any:
        return self._deliver(batch)

"""What a sink receives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

Entry: TypeAlias = tuple[int, bytes]
"""One accepted item: its sequence number in its stream, and its encoded form."""


def _nobody_waits() -> None:
    """What was read back from a dead process takes no room."""


class Batch(list[T]):
    """Decoded items, newest value per key, ordered by the last put of each key.

    `stream` names the queue instance that numbered the items and survives recovery; `seqs` holds one
    ascending number per item. (stream, seq) never repeats: a sink that stores the last seq of each stream in
    the same transaction as the items delivers exactly once. `recovered` is true for what an earlier process
    left. `let_in()` is for a sink that has `lets_in = True`: it says that the interpreter is free for a
    while, because a database is at work, and lets in the producers that wait for room.
    """

    __slots__ = ("let_in", "recovered", "seqs", "stream")

    def __init__(
        self,
        items: Iterable[T],
        *,
        stream: str,
        seqs: list[int],
        recovered: bool,
        let_in: Callable[[], None] = _nobody_waits,
    ) -> None:
        super().__init__(items)
        self.stream, self.seqs, self.recovered, self.let_in = stream, seqs, recovered, let_in


Sink: TypeAlias = Callable[[Batch[T]], Awaitable[None] | None]

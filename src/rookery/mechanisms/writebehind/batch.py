"""What a sink receives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

Entry: TypeAlias = tuple[int, bytes]
"""One accepted item: its sequence number in its stream, and its encoded form."""


class Batch(list[T]):
    """Decoded items, newest value per key, ordered by the last put of each key.

    `stream` names the queue instance that numbered the items and survives recovery; `seqs` holds one
    ascending number per item. (stream, seq) never repeats: a sink that stores the last seq of each stream in
    the same transaction as the items delivers exactly once. `recovered` is true for what an earlier process
    left.
    """

    __slots__ = ("recovered", "seqs", "stream")

    def __init__(self, items: Iterable[T], *, stream: str, seqs: list[int], recovered: bool) -> None:
        super().__init__(items)
        self.stream, self.seqs, self.recovered = stream, seqs, recovered


Sink: TypeAlias = Callable[[Batch[T]], Awaitable[None] | None]

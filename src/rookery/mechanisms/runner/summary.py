"""What came of a run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from rookery.mechanisms.hooks.items import Error, Item, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable

Status = Literal["success", "failure", "interrupted"]
MESSAGES = 20


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run.

    `status` is `success` only when nothing at all went wrong; `counts` holds the items emitted by type,
    errors among them; `errors` how many things failed, `messages` the first 20 of them; `dropped` what hooks
    dropped, `duplicates` what had been emitted before; `duration` is in seconds; `exit_code` is None but for
    a command; `hooks` holds the figures of each batched hook's queue by its name.
    """

    run_id: str
    name: str
    status: Status
    counts: dict[str, int]
    errors: int
    messages: tuple[str, ...]
    dropped: int
    duplicates: int
    duration: float
    exit_code: int | None
    hooks: dict[str, Any]


class Tally:
    """The counting during a run; constant in size."""

    def __init__(self) -> None:
        self._by_kind: Counter[type[Item]] = Counter()
        self.duplicates = 0
        self.errors = 0
        self.messages: list[str] = []

    def count(self, item: Item) -> None:
        """An item was emitted."""
        self._by_kind[type(item)] += 1
        if isinstance(item, Error):
            self.failed([item])

    @property
    def by_type(self) -> dict[str, int]:
        """How many items were emitted, by `_type`."""
        return {type_name(kind): count for kind, count in self._by_kind.items()}

    def failed(self, errors: Iterable[Error]) -> None:
        """Something failed, whether or not the error could still be emitted."""
        for error in errors:
            self.errors += error.count
            if len(self.messages) < MESSAGES:
                self.messages.append(error.message)

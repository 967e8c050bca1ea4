"""Real sinks for the tests: they keep what they get, fail on demand, or wait at a gate."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rookery.mechanisms.writebehind import Batch
from tests.patience import PATIENCE


class Shelf:
    """Keeps every item and every batch; `fails_with(batch)` may raise instead."""

    def __init__(self, fails_with: Callable[[Batch[bytes]], None] | None = None) -> None:
        self.batches: list[Batch[bytes]] = []
        self.calls = 0
        self._fails_with = fails_with

    def __call__(self, batch: Batch[bytes]) -> None:
        self.calls += 1
        if self._fails_with is not None:
            self._fails_with(batch)
        self.batches.append(batch)

    @property
    def items(self) -> list[bytes]:
        return [item for batch in self.batches for item in batch]


class GatedShelf(Shelf):
    """A shelf behind a gate: a call enters, says so, and goes on when the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()

    def __call__(self, batch: Batch[bytes]) -> None:
        self.entered.release()
        assert self.gate.wait(PATIENCE)
        super().__call__(batch)

    def await_call(self) -> None:
        """Until the writer stands at the gate."""
        assert self.entered.acquire(timeout=PATIENCE)


class SteppedShelf(Shelf):
    """A gate that lets one call through for each `step()`, and announces each."""

    def __init__(self) -> None:
        super().__init__()
        self._entered, self._steps = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, batch: Batch[bytes]) -> None:
        self.wait_for_step()
        super().__call__(batch)

    def wait_for_step(self) -> None:
        self._entered.release()
        assert self._steps.acquire(timeout=PATIENCE)

    def await_call(self) -> None:
        """Until the writer stands at the gate."""
        assert self._entered.acquire(timeout=PATIENCE)

    def step(self, times: int = 1) -> None:
        self._steps.release(times)


def refuse(*bad: bytes) -> Callable[[Batch[bytes]], None]:
    """A permanent refusal of every batch that holds one of these."""

    def check(batch: Batch[bytes]) -> None:
        found = [item for item in batch if item in bad]
        if found:
            raise ValueError(f"cannot store {found[0].decode()}")

    return check


class FailsTimes:
    """Raises `error` for the first `times` calls."""

    def __init__(self, times: int, error: BaseException) -> None:
        self.left, self._error = times, error

    def __call__(self, _batch: Batch[bytes]) -> None:
        if self.left:
            self.left -= 1
            raise self._error


def numbered(start: int, end: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, end)]

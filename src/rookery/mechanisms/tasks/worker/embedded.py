"""A worker inside another program: in a thread of it, as long as a block lasts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.queue import AnyWorker


@contextmanager
def embedded(worker: AnyWorker) -> Iterator[None]:
    """Have it work beside the block. At its end it stops as at a signal; what ended it early is raised."""
    failures: list[Exception] = []

    def work() -> None:
        try:
            worker.run()
        except Exception as error:  # noqa: BLE001  raised where it can be heard
            failures.append(error)

    thread = threading.Thread(target=work, name="rookery-worker")
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join()
    if failures:
        raise failures[0]

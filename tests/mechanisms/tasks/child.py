"""A worker in a process of its own, which tests kill. Usage: child.py SETTINGS CONCURRENCY."""

from __future__ import annotations

import signal
import sys

from rookery import app
from rookery.base.config import decode_config
from tests.mechanisms.tasks.jobs import CHILD, TYPES


def main() -> None:
    settings, concurrency = sys.argv[1:]
    with app.open(config=decode_config(settings), actor="worker", types=TYPES) as rook:
        worker = app.worker_of(rook, concurrency=int(concurrency), child=CHILD)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        worker.run()


if __name__ == "__main__":
    main()

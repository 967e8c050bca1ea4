"""A worker in a process of its own: `python -m …` with its settings as JSON on standard input, one line."""

from __future__ import annotations

import signal
import sys

from rookery import app
from rookery.base.config import decode_config
from tests.mechanisms.tasks.jobs import CHILD, TYPES


def main() -> None:
    config = decode_config(sys.stdin.readline())
    with app.open(config=config, actor="worker", types=TYPES) as rook:
        worker = app.worker_of(rook, child=CHILD)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        worker.run()


if __name__ == "__main__":
    main()

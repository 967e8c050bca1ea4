"""Where workers and submitters are born, to be killed: forked from a process that has loaded everything.

For each line on standard input, `["worker" or "submitter", SETTINGS, LOG]`, a child is born, and its number
printed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from rookery import app
from rookery.base.config import decode_config
from tests.mechanisms.tasks.jobs import CHILD, TYPES


def work(settings: str, _log: str) -> None:
    """Do tasks until killed."""
    with app.open(config=decode_config(settings), actor="worker", types=TYPES) as rook:
        app.worker_of(rook, concurrency=2, child=CHILD).run()


def submit(settings: str, log: str) -> None:
    """Submit tasks until killed; write down the id of each that was accepted."""
    accepted = os.open(Path(log).with_suffix(".accepted"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    with app.open(config=decode_config(settings), actor="submitter", types=TYPES) as rook:
        while True:
            task_id = rook.tasks.submit_task("note.shared", {"log": log, "until": "never"})
            os.write(accepted, f"{task_id}\n".encode())


ROLES = {"worker": work, "submitter": submit}


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        role, settings, log = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ROLES[role](settings, log)
        print(child, flush=True)  # noqa: T201  whoever asked for it reads this


if __name__ == "__main__":
    main()

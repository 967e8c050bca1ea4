"""Two workers, a submitter and a small disk, which is filled up and emptied again while they work.

Usage: full_disk_child.py FOLDER LOG, in a mount namespace of its own, where FOLDER is such a disk.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from rookery import app
from rookery.base.config import Config
from rookery.mechanisms.store.faults import DatabaseFull
from tests.crash.test_tasks import Nursery, all_done, assert_done_once, lines
from tests.mechanisms.tasks.jobs import TYPES
from tests.mechanisms.tasks.successes import count_successes
from tests.patience import wait_for

TASKS = 200
PATIENT = 20  # refusals, before there is room again


def submitted(rook: app.Rook, log: Path) -> str | None:
    """The id of one more task; None when it was refused."""
    with suppress(DatabaseFull):
        return str(rook.tasks.submit_task("note.shared", {"log": str(log), "until": "never"}))
    return None


def fill(ballast: Path) -> None:
    """Take what is left, to the last byte."""
    with suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(bytes(4_096)):
            pass
    assert os.statvfs(ballast).f_bavail == 0


def main() -> None:
    folder, log = map(Path, sys.argv[1:])
    nursery, refused = Nursery(), 0
    config = Config(data_dir=folder)
    with app.open(config=config, types=TYPES) as rook:
        count_successes(rook)
        for _ in range(2):
            nursery.bear("worker", config, log)
        ids: set[str] = set()
        while len(ids) < TASKS:
            if (task_id := submitted(rook, log)) is not None:
                ids.add(task_id)
                if len(ids) % (TASKS // 4) == TASKS // 8:
                    wait_for(lambda: len(lines(log)) > len(ids) // 2)
                    fill(folder / "ballast")
            else:
                refused += 1
                if refused % PATIENT == 0:
                    (folder / "ballast").unlink()
        wait_for(lambda: all_done(rook, TASKS))
        assert_done_once(rook, ids, log)
        assert rook.audit.verify().is_intact
    nursery.close()
    print(f"refused {refused}")  # noqa: T201  whoever started this reads it


if __name__ == "__main__":
    main()

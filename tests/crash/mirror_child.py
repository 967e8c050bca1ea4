"""A program that is killed: gives r1 a version, moves it, and deletes it, again and again.

Usage: mirror_child.py DATA_DIR REPOSITORY.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from pathlib import Path

import rookery

PAUSE = 0.2  # seconds, so that the mirror, which follows after one, meets all states


def main() -> None:
    with rookery.open(Path(sys.argv[1])) as rook:
        for number in count():
            if rook.devices.list("name:r1"):
                rook.devices.delete("r1")
            rook.devices.create("r1", "192.0.2.1", "ios", site="berlin")
            rook.backups.import_history(Path(sys.argv[2]))
            for site in ("bonn", "basel"):
                time.sleep(PAUSE)
                rook.devices.update("r1", site=site)
                os.write(1, f"{number} {site}\n".encode())


if __name__ == "__main__":
    main()

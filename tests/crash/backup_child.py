"""A program that is killed: backs up r1 again and again, and prints each version as soon as it has it.

Usage: backup_child.py DATA_DIR.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import rookery


def main() -> None:
    with rookery.open(Path(sys.argv[1])) as rook:
        while True:
            done = rook.backups.run(names=["r1"]).devices[0]
            if done.status == "changed":
                os.write(1, f"version {done.version}\n".encode())


if __name__ == "__main__":
    main()

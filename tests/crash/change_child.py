"""A process that dies at one moment of a change: just before or just after its commit.

Usage: change_child.py DATA_DIR MOMENT WORLD NETWORK.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session

from rookery import app


def die(_session: Session) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def add(data_dir: Path, moment: str, network: str) -> None:
    with app.open(data_dir, actor="doomed") as rook:
        event.listen(Session, moment, die)
        rook.scans.add_to_scope(network)


async def aadd(data_dir: Path, moment: str, network: str) -> None:
    async with app.aopen(data_dir, actor="doomed") as rook:
        event.listen(Session, moment, die)
        await rook.scans.add_to_scope(network)


def main() -> None:
    data_dir, moment, world, network = sys.argv[1:]
    if world == "async":
        with asyncio.Runner() as runner:
            runner.run(aadd(Path(data_dir), moment, network))
    else:
        add(Path(data_dir), moment, network)


if __name__ == "__main__":
    main()

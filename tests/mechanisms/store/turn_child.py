"""Takes a turn, says so, and keeps it until killed. Usage: turn_child.py SETTINGS WHAT."""

from __future__ import annotations

import os
import signal
import sys

from rookery.base.config import decode_config
from rookery.mechanisms.store import open_engine
from rookery.mechanisms.store.turns import Turn, turns_of


def main() -> None:
    settings, what = sys.argv[1:]
    config = decode_config(settings)
    if Turn(turns_of(open_engine(config.database_url), config.data_dir), what).take():
        os.write(1, b"taken\n")
        signal.pause()


if __name__ == "__main__":
    main()

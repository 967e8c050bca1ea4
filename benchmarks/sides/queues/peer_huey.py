"""Huey on SQLite, with fsync: `python peer_huey.py FOLDER COUNT` prints submitted and done per second."""
# mypy: ignore-errors

import json
import logging
import sys
import threading
import time
from pathlib import Path

from huey import SqliteHuey
from huey.consumer import Consumer

FOLDER, COUNT = Path(sys.argv[1]), int(sys.argv[2])
huey = SqliteHuey(filename=str(FOLDER / "huey.db"), fsync=True)
done = threading.Event()
seen = []


@huey.task()
def nothing(number):
    seen.append(number)
    if len(seen) == COUNT:
        done.set()


logging.disable()
started = time.perf_counter()
for number in range(COUNT):
    nothing(number)
submitted = COUNT / (time.perf_counter() - started)
consumer = Consumer(huey, workers=1, periodic=False)
started = time.perf_counter()
consumer.start()
done.wait(120)
rate = len(seen) / (time.perf_counter() - started)
consumer.stop(graceful=True)
print(json.dumps({"submitted": submitted, "done": rate}))

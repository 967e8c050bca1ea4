"""Dramatiq on Redis, one thread: `python peer_dramatiq.py REDIS_URL COUNT` prints rates per second."""
# mypy: ignore-errors

import json
import sys
import threading
import time

import dramatiq
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker

URL, COUNT = sys.argv[1], int(sys.argv[2])
broker = RedisBroker(url=URL)
broker.client.flushall()
dramatiq.set_broker(broker)
done = threading.Event()
seen = []


@dramatiq.actor
def nothing(number):
    seen.append(number)
    if len(seen) == COUNT:
        done.set()


started = time.perf_counter()
for number in range(COUNT):
    nothing.send(number)
submitted = COUNT / (time.perf_counter() - started)
worker = Worker(broker, worker_threads=1)
started = time.perf_counter()
worker.start()
done.wait(120)
rate = len(seen) / (time.perf_counter() - started)
worker.stop()
print(json.dumps({"submitted": submitted, "done": rate}))

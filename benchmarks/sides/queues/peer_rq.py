"""RQ: `python peer_rq.py REDIS_URL COUNT simple|fork` prints rates per second, with unique=True."""
# mypy: ignore-errors
# Its imports are not in our environment, so there is nothing to check it against.

import json
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from redis import Redis
from rq import Queue, SimpleWorker, Worker
from work import nothing

URL, COUNT, KIND = sys.argv[1], int(sys.argv[2]), sys.argv[3]
THREADS = 16
WORKERS = {"simple": SimpleWorker, "fork": Worker}


def rate(act, count):
    started = time.perf_counter()
    act()
    return count / (time.perf_counter() - started)


def enqueue(queue, **options):
    for number in range(COUNT):
        queue.enqueue(nothing, number, **options)


def enqueue_unique(queue):
    for number in range(COUNT):
        queue.enqueue(nothing, number, job_id=uuid4().hex, unique=True)


def enqueue_at_once(queue):
    def enqueue_some(_):
        for number in range(COUNT // THREADS):
            queue.enqueue(nothing, number, job_id=uuid4().hex, unique=True)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(enqueue_some, range(THREADS)))


logging.disable()
connection = Redis.from_url(URL)
connection.flushall()
queue = Queue(connection=connection)
unique = rate(lambda: enqueue_unique(queue), COUNT)
connection.flushall()
at_once = rate(lambda: enqueue_at_once(queue), COUNT)
connection.flushall()
plain = rate(lambda: enqueue(queue), COUNT)
worker = WORKERS[KIND]([queue], connection=connection)
done = rate(lambda: worker.work(burst=True, logging_level="ERROR"), COUNT)
print(json.dumps({"submitted": plain, "unique": unique, "at_once": at_once, "done": done}))

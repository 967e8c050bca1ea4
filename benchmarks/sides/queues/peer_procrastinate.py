"""Procrastinate: `python peer_procrastinate.py POSTGRES_URL COUNT WORKERS` prints rates per second.

Jobs count once a quarter of them is done, so that no worker's start does.
"""
# mypy: ignore-errors

import asyncio
import json
import logging
import subprocess
import sys
import time

import procrastinate
import psycopg

URL, COUNT, WORKERS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL))
sync_app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=URL))


@app.task(name="nothing")
def nothing(number):
    pass


@sync_app.task(name="nothing")
def nothing_sync(number):
    pass


async def work():
    async with app.open_async():
        await app.run_worker_async(wait=False, concurrency=1, install_signal_handlers=False)


def main():
    logging.disable()
    with sync_app.open():
        sync_app.schema_manager.apply_schema()
        started = time.perf_counter()
        for number in range(COUNT):
            nothing_sync.defer(number=number)
        submitted = COUNT / (time.perf_counter() - started)
    children = [subprocess.Popen([sys.executable, __file__, URL, "0", "0"]) for _ in range(WORKERS)]
    with psycopg.connect(URL, autocommit=True) as connection:
        wait_for(connection, COUNT // 4)
        started = time.perf_counter()
        wait_for(connection, COUNT)
    rate = (COUNT - COUNT // 4) / (time.perf_counter() - started)
    for child in children:
        child.wait()
    print(json.dumps({"submitted": submitted, "done": rate}))


def wait_for(connection, count):
    query = "SELECT COUNT(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
    while connection.execute(query).fetchone()[0] < count:
        time.sleep(0.05)


if COUNT:
    main()
else:
    logging.disable()
    asyncio.Runner().run(work())

"""Procrastinate: `python peer_procrastinate.py POSTGRES_URL COUNT WORKERS` prints rates per second."""
# mypy: ignore-errors

import asyncio
import json
import logging
import subprocess
import sys
import time

import procrastinate

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
    started = time.perf_counter()
    children = [subprocess.Popen([sys.executable, __file__, URL, "0", "0"]) for _ in range(WORKERS)]
    for child in children:
        child.wait()
    rate = COUNT / (time.perf_counter() - started)
    print(json.dumps({"submitted": submitted, "done": rate}))


if COUNT:
    main()
else:
    logging.disable()
    asyncio.Runner().run(work())

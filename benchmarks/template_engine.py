"""Templates: executions per second and core, the client's cost per request, the share of a corpus that runs.

`ROOKERY_TEMPLATE_CORPUS` may name a folder of nuclei templates; without it the shipped ones are measured.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.rows import Row
from rookery.domains import templates
from rookery.mechanisms.engine import Outcome, Response, Target, Template, execute, plain_get
from rookery.mechanisms.transport import HttpClient

BODY = (
    b"<html><head><title>A page</title></head><body>" + b"<p>Nothing to see here, move along.</p>\n" * 130
)[:5120]
PAGE = Response(200, "OK", (("Content-Type", "text/html"), ("Server", "nginx"), ("Date", "now")), BODY)
EXECUTIONS = 30_000
REQUESTS = 10_000
SERVER = """
import asyncio
from rookery.demo import WeakServer
async def serve():
    async with WeakServer() as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()
with asyncio.Runner() as runner:
    runner.run(serve())
"""


def main() -> Iterator[Row]:
    """Three figures, in CPU time of this process."""
    corpus = os.environ.get("ROOKERY_TEMPLATE_CORPUS")
    started = time.process_time()
    library = templates.load([Path(corpus)]) if corpus else templates.load_shipped()
    loading = time.process_time() - started
    yield _share(library, loading)
    yield _executions(library)
    yield _client()


def _share(library: templates.Library, seconds: float) -> Row:
    count, all_files = len(library.templates), len(library.templates) + len(library.skipped)
    return Row(
        claim="share of templates that load and run",
        value=100 * count / all_files,
        unit="%",
        goal=None,
        better="more",
        detail=f"{count:,} of {all_files:,}, compiled in {seconds:.2f} s of CPU",
    )


def _executions(library: templates.Library) -> Row:
    """Static templates: one request, nothing random, nothing extracted from an earlier one."""
    alone = [one for one in library.templates if one.protocols == {"http"}]
    static = [template for template in alone if template.request_count == 1]
    target = Target("http://127.0.0.1:8080")
    _all_once(static, target)
    rounds = max(EXECUTIONS // len(static), 1)
    started = time.process_time()
    for _ in range(rounds):
        _all_once(static, target)
    rate = rounds * len(static) / (time.process_time() - started)
    return Row(
        claim="executions of single-request templates on a 5 kB page",
        value=rate,
        unit="/s",
        goal=10_000,
        better="more",
        detail=f"{len(static):,} templates, {rounds} rounds, sans-IO, one core",
    )


def _all_once(static: list[Template], target: Target) -> None:
    for template in static:
        _run(template, target)


def _run(template: Template, target: Target) -> Outcome:
    running = execute(template, target)
    try:
        next(running)
        while True:
            running.send(replace(PAGE, parts={}))  # nothing is remembered from one to the next
    except StopIteration as finished:
        outcome: Outcome = finished.value
        return outcome


def _client() -> Row:
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        target = Target(server.stdout.readline().strip())
        with asyncio.Runner() as runner:
            seconds = runner.run(_requests(target))
        server.terminate()
    return Row(
        claim="CPU of the HTTP client per request, kept alive, 25 at a time",
        value=1e6 * seconds / REQUESTS,
        unit="µs",
        goal=None,
        better="less",
        detail=f"{REQUESTS:,} requests, asyncio's own loop, small body",
    )


async def _requests(target: Target) -> float:
    request = plain_get(target)
    async with HttpClient(lambda *_: True, concurrency=25) as client:
        await client.send(request)
        started = time.process_time()
        for _ in range(REQUESTS // 100):
            await asyncio.gather(*(client.send(request) for _ in range(100)))
        return time.process_time() - started

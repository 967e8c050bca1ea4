"""A whole scan of one host: CPU per template, requests, start, memory; and nuclei beside it.

`ROOKERY_TEMPLATE_CORPUS` may name a folder of nuclei templates, without it the shipped ones are measured;
`ROOKERY_NUCLEI` nuclei itself, else the one on PATH. The host is a site in a process of its own. CPU times
are the best of several and of the scanning process alone; what is said of 10,000 templates is measured on as
many copies of those there are, each different."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.rows import Row
from benchmarks.site import serving
from rookery.domains import templates
from rookery.domains.templates.places import SHIPPED
from rookery.mechanisms.engine import Target, Template
from rookery.mechanisms.transport import HttpClient, Ports, count_requests, run_templates
from scripts.template_coverage import coverage

MANY = 10_000
ROUNDS = 3
CONCURRENCY = 25
LOADER = """
import json, resource, sys, time
from pathlib import Path
from rookery.domains.templates.library import open_library
before = time.process_time()
library = open_library([Path(sys.argv[1])], Path(sys.argv[2]))
seconds = time.process_time() - before
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, memory, len(library.templates), len(library.skipped)]))
"""


class Scanned(NamedTuple):
    """What a scan took: CPU and wall seconds, requests counted at the server, matches."""

    cpu: float
    wall: float
    requests: int
    matches: int


def main() -> Iterator[Row]:
    """Every figure of a scan."""
    folder = Path(os.environ.get("ROOKERY_TEMPLATE_CORPUS") or SHIPPED)
    library = templates.load([folder])
    yield _share(folder)
    chosen = [one for one in templates.select(library.templates).templates if one.protocols == {"http"}]
    with serving() as url:
        scans = [_scanned(chosen, url) for _ in range(ROUNDS)]
        yield from _costs(chosen, min(scans))
        yield from _beside_nuclei(chosen, min(scans, key=lambda one: one.wall), url)
    yield from _start(folder)


def _share(folder: Path) -> Row:
    """Of the http templates that need no third party: neither self-contained nor out-of-band, nor fuzzing."""
    found = coverage(folder)
    refused = sum(map(len, found.reasons.values()))
    return Row(
        claim="share of the http templates that run",
        value=100 * found.share,
        unit="%",
        goal=97,
        better="more",
        detail=f"{found.tried - refused:,} run, {refused:,} do not",
    )


def _scanned(chosen: Sequence[Template], url: str) -> Scanned:
    _count(url)
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    with asyncio.Runner() as runner:
        matches = runner.run(_scan(chosen, url))
    return Scanned(time.process_time() - cpu, time.perf_counter() - wall, _count(url), matches)


async def _scan(chosen: Sequence[Template], url: str) -> int:
    matches = 0
    async with HttpClient(lambda *_: True, concurrency=CONCURRENCY) as client:
        running = run_templates(Ports(client), chosen, [Target(url)], concurrency=CONCURRENCY)
        async for done in running:
            matches += len(done.outcome.matches)
    return matches


def _count(url: str) -> int:
    """The requests since the last count."""
    with urllib.request.urlopen(f"{url}/-/count") as answer:  # noqa: S310 -- our own site
        return int(answer.read())


def _costs(chosen: Sequence[Template], scanned: Scanned) -> Iterator[Row]:
    naive = count_requests(chosen)
    detail = f"{len(chosen):,} templates, {scanned.requests:,} requests, {scanned.cpu:.2f} s of CPU"
    yield Row("CPU per template", 1e3 * scanned.cpu / len(chosen), "ms", 0.55, "less", detail)
    yield Row("templates per second and core", len(chosen) / scanned.cpu, "/s", 3000, "more", detail)
    detail = f"{scanned.requests:,} against {naive:,}"
    yield Row("requests of a naive plan that are sent", scanned.requests / naive, "×", 0.8, "less", detail)


def _beside_nuclei(chosen: Sequence[Template], ours: Scanned, url: str) -> Iterator[Row]:
    program = os.environ.get("ROOKERY_NUCLEI") or shutil.which("nuclei")
    if program is None:
        return
    theirs = _nuclei(program, chosen, url)
    detail = f"{ours.wall:.1f} s, {ours.matches} matches; nuclei {theirs.wall:.1f} s, {theirs.matches}"
    yield Row("nuclei's wall time over ours", theirs.wall / ours.wall, "×", None, "more", detail)
    yield Row("nuclei's CPU over ours", theirs.cpu / ours.cpu, "×", None, "more", "the same runs")
    detail = f"{ours.requests:,} against nuclei's {theirs.requests:,}"
    yield Row("requests sent over nuclei's", ours.requests / theirs.requests, "×", 1, "less", detail)


def _nuclei(program: str, chosen: Sequence[Template], url: str) -> Scanned:
    """The same templates and target, the same concurrency, no rate limit worth the name, nothing else."""
    with tempfile.TemporaryDirectory() as home:
        listed = Path(home, "templates.txt")
        listed.write_text("\n".join(str(Path(one.path).resolve()) for one in chosen))
        options = (
            f"-rl 1000000 -c {CONCURRENCY} -bs {CONCURRENCY} -timeout 10 -retries 0 -nmhe -ni -duc -silent"
        )
        command = [program, "-u", url, "-t", str(listed), *options.split(), "-jsonl", "-no-stdin", "-nh"]
        environment = {**os.environ, "HOME": home, "DISABLE_CLOUD_UPLOAD": "true"}
        _count(url)
        before, wall = os.times(), time.perf_counter()
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        after, wall = os.times(), time.perf_counter() - wall
        if run.returncode:
            raise RuntimeError(f"nuclei: {run.stderr[-500:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Scanned(cpu, wall, _count(url), len(run.stdout.splitlines()))


def _start(folder: Path) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as place:
        many, cache = Path(place, "templates"), Path(place, "cache")
        _copies(folder, many)
        first, memory, *_ = _loaded(many, cache)
        again = [_loaded(many, cache) for _ in range(ROUNDS)]
        seconds, least, running, skipped = min(again)
        detail = f"{running:,} run, {skipped:,} do not; {least:.0f} MB"
        yield Row(f"start with {MANY:,} templates from the cache", seconds, "s", 0.5, "less", detail)
        yield Row("the same for the first time", first, "s", 6, "less", "parsed, checked and stored; CPU")
        yield Row("the most memory of either", max(memory, least), "MB", 250, "less", "of the whole process")


def _copies(folder: Path, many: Path) -> None:
    """So many templates, made of those there are."""
    texts = [path.read_bytes() for path in sorted(folder.rglob("*.yaml"))]
    for number in range(MANY):
        place = many / str(number // 500)
        place.mkdir(parents=True, exist_ok=True)
        text = texts[number % len(texts)]
        (place / f"{number}.yaml").write_bytes(text + f"\n# copy {number}\n".encode())


def _loaded(many: Path, cache: Path) -> list[float]:
    """CPU seconds, megabytes, templates that run and that don't, of a fresh process."""
    command = [sys.executable, "-c", LOADER, str(many), str(cache)]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: list[float] = json.loads(run.stdout)
    return figures

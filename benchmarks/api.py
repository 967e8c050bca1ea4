"""The REST API of `rookery up`, by wrk on loopback: a page of devices, also beside backups; streams; start.

The server has one core and wrk the other, where there are two. Needs wrk (apt install wrk).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.device_backup import fleet
from benchmarks.rows import Row
from rookery import app
from rookery.base.config import Config
from rookery.domains.devices.rules import DeviceSpec
from rookery.domains.devices.service import new_row
from rookery.domains.users.permissions import PERMISSIONS, SESSION_ONLY

DEVICES, BACKUPS, STREAMS = 10_000, 200, 200
CONNECTIONS, SECONDS = 16, 10
LATENCY = 2.3  # of a device, in seconds
PAGE = "/api/v1/devices?limit=25"


class House(NamedTuple):
    """A data directory that is full, and a token that may everything."""

    path: Path
    token: str


class Server(NamedTuple):
    """A `rookery up` that answers."""

    process: subprocess.Popen[str]
    port: int
    seconds: float

    @property
    def megabytes(self) -> float:
        """Its resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024


class Load(NamedTuple):
    """What wrk has measured: requests per second; milliseconds."""

    rate: float
    p50: float
    p99: float


def filled(path: Path, ports: list[str]) -> House:
    """A house with 10,000 devices that are nowhere, and simulated ones at these ports."""
    with app.open(config=Config(data_dir=path), actor="benchmark") as rook:
        with rook.transaction() as session:
            for number in range(DEVICES):
                address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
                spec = DeviceSpec(
                    name=f"r{number:05}", address=address, platform="ios", tags=("default", "core")
                )
                session.add(new_row(spec, "benchmark"))
        rook.credentials.create("lab", "admin", password="admin")
        for number, port in enumerate(ports):
            rook.devices.create(f"lab{number}", "127.0.0.1", "ios", port=int(port), tags=["lab"])
        user = rook.users.create("benchmark", None, "admin")
        scopes = PERMISSIONS.keys() - SESSION_ONLY
        return House(path, rook.users.create_token(user.id, "benchmark", scopes).secret)


@contextmanager
def up(house: House, workers: int) -> Iterator[Server]:
    """A server in a process of its own; `seconds` from its start to its first answer."""
    command = [sys.executable, "-m", "rookery", "--data-dir", str(house.path), "up", "--port", "0"]
    settings = os.environ | {"ROOKERY_API__REQUESTS_PER_MINUTE": "0"}
    started = time.monotonic()
    with subprocess.Popen(
        [*command, "--workers", str(workers)], env=settings, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        port = int(re.findall(r":(\d+)", process.stderr.readline())[0])
        asked(port, house, "GET", "/readyz")
        try:
            yield Server(process, port, time.monotonic() - started)
        finally:
            process.terminate()


def asked(port: int, house: House, method: str, path: str, body: object = None) -> Any:
    """What the server answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {house.token}"}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    return json.loads(connection.getresponse().read())


def load(server: Server, house: House, seconds: int = SECONDS) -> Load:
    """What wrk measures of the page of devices."""
    done = subprocess.run(
        [
            "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--latency",
            "-H", f"Authorization: Bearer {house.token}", f"http://127.0.0.1:{server.port}{PAGE}",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Non-2xx" not in done.stdout, done.stdout
    rate = float(re.findall(r"Requests/sec:\s+([\d.]+)", done.stdout)[0])
    return Load(rate, _milliseconds(done.stdout, "50%"), _milliseconds(done.stdout, "99%"))


def _milliseconds(text: str, quantile: str) -> float:
    number, unit = re.findall(rf"{quantile}\s+([\d.]+)(us|ms|s)", text)[0]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def streams_cost(server: Server, house: House) -> float:
    """Megabytes that the server grows by when so many streams are opened."""
    before = server.megabytes
    with ExitStack() as closing:
        for _ in range(STREAMS):
            stream = closing.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            head = f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token}"
            stream.sendall(f"{head}\r\n\r\n".encode())
            assert b"200 OK" in stream.recv(4096)
        time.sleep(2)
        return server.megabytes - before


def main() -> Iterator[Row]:
    """All of it, on one server each."""
    if shutil.which("wrk") is None:
        print("  left out: wrk is not installed (apt install wrk)", flush=True)
        return
    with TemporaryDirectory() as folder, fleet(BACKUPS, latency=LATENCY) as ports:
        house = filled(Path(folder), ports)
        with up(house, workers=0) as server:
            yield Row(
                "api: start to ready", server.seconds, "s", 2.0, "less", "rookery up, its first /readyz"
            )
            load(server, house, 2)
            alone = load(server, house)
            detail = f"p50 {alone.p50:.0f} ms, {CONNECTIONS} connections, 25 of {DEVICES:,} devices"
            yield Row("api: page of devices", alone.rate, "requests/s", 800, "more", detail)
            yield Row("api: page of devices, p99", alone.p99, "ms", 60, "less", detail)
            grown = streams_cost(server, house)
            yield Row(f"api: {STREAMS} streams", grown, "MB", 50, "less", f"of {server.megabytes:.0f} MB")
        with up(house, workers=1) as server:
            asked(server.port, house, "POST", "/api/v1/backups", {"filter": "tag:lab"})
            time.sleep(1)
            beside = load(server, house)
            counts = asked(server.port, house, "GET", "/api/v1/queue/health")["types"]["backups.capture"]
            said = f"{beside.rate:.0f} requests/s, p50 {beside.p50:.0f} ms"
            detail = f"{said}; {counts['completed']} backups meanwhile"
            yield Row(f"api: page beside {BACKUPS} backups, p99", beside.p99, "ms", 150, "less", detail)

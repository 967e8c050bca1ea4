"""Servers that fight back, in one scan with an honest one: a line each, and the honest one is scanned."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.demo import WeakServer
from tests.journeys.servers import served
from tests.mechanisms.transport.hostile import (
    Behaviour,
    bomb,
    drip,
    endless,
    endless_chunks,
    header_flood,
    reset,
    says,
    silence,
)

OUTSIDE = "192.0.2.1"
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
PARTLY_FAILED = 4
MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode)
"""
MOST_MEMORY = 256 << 10  # kilobytes; 25 bodies of 10 MiB at a time would take 380 MB


def redirect(location: str) -> Behaviour:
    return says(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())


Scan = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def scan(environment: dict[str, str], tmp_path: Path) -> Scan:
    """Run a scan; the last line of its standard error is `peak` and its largest memory in kilobytes."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rookery", "--data-dir", str(tmp_path / "data"), "scan", *arguments]
        return subprocess.run(
            [sys.executable, "-c", MEASURED, *command],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=120,
        )

    return run


def errors_of(scan: subprocess.CompletedProcess[str], port: int) -> list[str]:
    lines = [line for line in scan.stderr.splitlines() if f":{port}" in line]
    assert all(line.startswith(("error: ", "warning: ")) for line in lines)
    return lines


def peak(scan: subprocess.CompletedProcess[str]) -> int:
    return int(scan.stderr.splitlines()[-1].removeprefix("peak "))


def test_each_hostile_target_is_one_clear_line_and_the_honest_one_keeps_its_findings(
    scan: Scan, weak_server: WeakServer
) -> None:
    behaviours = {
        "the connection broke off": reset,
        "no complete answer within": silence,
        "headers are longer than 256 KiB": header_flood,
        "the answer is not HTTP": says(b"SSH-2.0-OpenSSH_9.6\r\n"),
        "closed before an answer came": says(b""),
    }
    with served(*behaviours.values(), drip) as ports:
        names = [*behaviours, "no complete answer within"]
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        alone = scan(weak_server.url)
        done = scan(*urls, weak_server.url, "--timeout", "0.5")
    assert (alone.returncode, done.returncode) == (0, PARTLY_FAILED)
    for name, port in zip(names, ports, strict=True):
        [line] = errors_of(done, port)
        assert name in line
    assert set(alone.stdout.splitlines()) <= set(done.stdout.splitlines())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "behaviour",
    [endless, endless_chunks, says(bomb()), says(OK + bytes(range(256)) * 4_000)],
    ids=["endless", "endless chunks", "gzip bomb", "binary"],
)
def test_a_body_without_end_or_sense_costs_bounded_memory(
    scan: Scan, weak_server: WeakServer, behaviour: Behaviour
) -> None:
    with served(behaviour) as [port]:
        done = scan(f"http://127.0.0.1:{port}", weak_server.url, "--timeout", "5")
    assert "Git repository exposed" in done.stdout
    assert "Traceback" not in done.stderr
    assert len(errors_of(done, port)) <= 2
    assert peak(done) < MOST_MEMORY


def test_a_redirect_out_of_the_scope_is_said_and_never_dialled(scan: Scan, weak_server: WeakServer) -> None:
    with served(redirect(f"http://{OUTSIDE}:81/"), redirect("http://localhost.invalid/")) as [
        outside,
        nowhere,
    ]:
        done = scan(f"http://127.0.0.1:{outside}", f"http://127.0.0.1:{nowhere}", weak_server.url)
    [line] = errors_of(done, outside)
    assert f"{OUTSIDE}:81" in line
    assert "is not in the scope" in line
    assert "Git repository exposed" in done.stdout


def test_tls_to_a_server_without_it_is_said(scan: Scan, weak_server: WeakServer) -> None:
    with served(silence, greeting=b"220 hello\r\n") as [port]:
        done = scan(f"https://127.0.0.1:{port}", weak_server.url)
    assert "the TLS handshake failed" in done.stderr
    assert "Git repository exposed" in done.stdout


def test_a_redirect_loop_is_said_once(scan: Scan, weak_server: WeakServer) -> None:
    with served(redirect("/again")) as [port]:
        done = scan(f"http://127.0.0.1:{port}", weak_server.url)
    [line] = errors_of(done, port)
    assert "redirects" in line
    assert "Git repository exposed" in done.stdout

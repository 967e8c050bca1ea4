"""scripts/ci-tools.sh: what cannot be had is told from what does not exist, and only that is a fault."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import servers

SCRIPT = Path(__file__).parent.parent / "scripts" / "ci-tools.sh"


@contextmanager
def modules(*known: str, unknown: int = 404) -> Iterator[str]:
    """A place of Go modules that has every version of those whose path begins so; its URL."""

    class Place(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, file = self.path.rpartition("/@v/")
            is_known = path.startswith(known) and file.endswith(".info")
            body = json.dumps({"Version": file.removesuffix(".info")}).encode() if is_known else b"not found"
            self.send_response(200 if is_known else unknown)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Place)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def build(folder: Path, proxy: str) -> tuple[int, str]:
    """The exit status of building nuclei from there, and the reason why there is none."""
    if shutil.which("go") is None:
        pytest.skip(f"{servers.SKIPPED}{servers.UNREACHABLE}there is no go")
    caches = {"XDG_CACHE_HOME": str(folder), "GOMODCACHE": str(folder / "go"), "GOFLAGS": "-modcacherw"}
    environment = {**os.environ, **caches, "GOPROXY": proxy, "GONOSUMDB": "*", "GOTOOLCHAIN": "local"}
    done = subprocess.run([SCRIPT, "nuclei"], env=environment, capture_output=True, check=False, timeout=120)
    return done.returncode, (folder / "rookery-test-tools" / "nuclei.reason").read_text().strip()


@pytest.mark.parametrize("status", [404, 410])
def test_a_version_that_is_not_there_while_other_modules_are_is_a_fault(tmp_path: Path, status: int) -> None:
    with modules("/github.com/bytedance", unknown=status) as proxy:
        failed, reason = build(tmp_path, proxy)
    assert failed == 1
    assert reason.startswith("there is no such version: github.com/projectdiscovery/nuclei/v3@v")


def test_a_place_that_has_nothing_or_does_not_answer_is_no_fault_of_ours(
    tmp_path: Path, free_port: int
) -> None:
    with modules("nothing") as proxy:
        failed, reason = build(tmp_path, proxy)
        assert (failed, reason.partition(":")[0]) == (0, "unreachable")
    failed, reason = build(tmp_path, f"http://127.0.0.1:{free_port}")
    assert (failed, reason.partition(":")[0]) == (0, "unreachable")


def test_what_a_place_refuses_for_other_reasons_is_no_fault_of_ours(tmp_path: Path) -> None:
    with modules("/github.com/bytedance", unknown=403) as proxy:
        failed, reason = build(tmp_path, proxy)
    assert (failed, reason.partition(":")[0]) == (0, "unreachable")

"""What is no web service is scanned, too: files, and ports that speak something else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery.domains.findings import store as findings
from rookery.domains.scans import service, store
from rookery.domains.scans.plan import ScanPlan
from tests.conftest import Call

PASSWORD = """
id: password-in-file
info: {name: A password, author: a, severity: high}
file:
- extensions: [all]
  extractors:
  - {type: regex, regex: ['password=\\w+']}
"""
BANNER = """
id: banner
info: {name: A greeting, author: a, severity: low}
tcp:
- host: ["{{Hostname}}"]
  inputs: [{data: "HELO\\r\\n"}]
  matchers:
  - {type: word, words: [greetings]}
"""
PAGE = """
id: page
info: {name: A page, author: a, severity: info}
http:
- method: GET
  path: ["{{BaseURL}}/"]
  matchers:
  - {type: status, status: [200, 404]}
"""


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    folder = tmp_path / "checks"
    folder.mkdir()
    for name, text in {"password": PASSWORD, "banner": BANNER, "page": PAGE}.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture
def greeter() -> Iterator[str]:
    """A service that says hello, whatever it hears, and closes the connection; it knows no HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"greetings\n")
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_the_files_below_a_path_are_targets_of_their_own(call: Call, tmp_path: Path, checks: Path) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "r1.cfg").write_text("hostname r1\npassword=hunter22\n")
    (configs / "r2.cfg").write_text("hostname r2\n")
    (configs / "out.cfg").symlink_to("/etc/hostname")
    plan = ScanPlan(endpoints=(str(configs),), templates=(checks,))
    result = call(service.submit_scan, plan)
    assert (result.success, result.unreached_count, result.finding_count) == (True, 0, 1)
    [finding] = call(findings.list_)
    assert (finding.type, finding.target) == ("file", str(configs / "r1.cfg"))
    files = {str(configs / name): (1, 0, 0) for name in ("r1.cfg", "r2.cfg")}
    assert call(store.coverage_counts, result.run_id) == files


def test_a_path_that_is_not_there_is_an_endpoint_without_an_answer(call: Call, checks: Path) -> None:
    result = call(service.submit_scan, ScanPlan(endpoints=("/there/is/none",), templates=(checks,)))
    assert (result.success, result.unreached_count) == (False, 1)
    assert "no such file" in result.errors[0]


def test_a_service_that_speaks_no_http_is_asked_what_it_does_speak(
    call: Call, greeter: str, checks: Path
) -> None:
    result = call(service.submit_scan, ScanPlan(endpoints=(greeter,), templates=(checks,), rate_limit=0.0))
    assert (result.success, result.unreached_count, result.error_count) == (True, 0, 0)
    [finding] = call(findings.list_)
    assert finding.template_id == "banner"
    assert call(store.coverage_counts, result.run_id) == {f"http://{greeter}": (1, 0, 1)}


def test_a_dead_host_has_no_answer_over_any_protocol(call: Call, free_port: int, checks: Path) -> None:
    plan = ScanPlan(endpoints=(f"127.0.0.1:{free_port}",), templates=(checks,), rate_limit=0.0)
    result = call(service.submit_scan, plan)
    assert (result.success, result.unreached_count, result.error_count) == (False, 1, 0)
    assert result.error == "No target gave an answer."


def test_a_scan_whose_templates_suit_none_of_its_targets_is_no_success(
    call: Call, tmp_path: Path, checks: Path
) -> None:
    plan = ScanPlan(endpoints=(str(tmp_path),), templates=(checks / "page.yaml",))
    result = call(service.submit_scan, plan)
    assert (result.success, result.error) == (False, "No template suits what was to be scanned.")

"""Scans beyond http: services that speak something else, TLS, names, files, and workflows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import rookery
from rookery.base.config import Config, Database, Scan
from rookery.demo import WeakServer
from rookery.domains.findings import store as findings
from rookery.domains.scans import service
from rookery.domains.scans.plan import ScanPlan, ScanResult
from rookery.mechanisms.hooks import Item, Warning_, hooks_from
from tests.beside import beside
from tests.conformance.servers import dns_server, tcp_server, tls_context
from tests.conftest import Call

HEAD = "id: {id}\ninfo:\n  name: A check\n  author: someone\n  severity: high\n"
BANNER = "tcp:\n- host: ['{{Hostname}}']\n  matchers: [{type: word, words: [SSH-1]}]\n"
HANDSHAKE = "ssl:\n- extractors: [{type: dsl, dsl: [subject_cn]}]\n"
RECORD = "dns:\n- type: TXT\n  matchers: [{type: word, words: [weak]}]\n"
PAGE = "http:\n- path: ['{{BaseURL}}/']\n  matchers: [{type: status, status: [200]}]\n"
PASSWORD = "file:\n- extensions: [all]\n  matchers: [{type: regex, regex: ['^enable password']}]\n"


def templates(folder: Path, **blocks: str) -> tuple[Path, ...]:
    """A folder with templates of these blocks."""
    folder = folder / "checks"
    folder.mkdir()
    for name, text in blocks.items():
        (folder / f"{name}.yaml").write_text(HEAD.format(id=name) + text)
    return (folder,)


def scan(call: Call, endpoint: str, checks: tuple[Path, ...]) -> ScanResult:
    """The result of a scan."""
    plan = ScanPlan(endpoints=(endpoint,), templates=checks, rate_limit=0.0)
    result: ScanResult = call(service.submit_scan, plan)
    return result


def found(call: Call) -> list[tuple[str, str, str]]:
    """Template, type and place of each finding."""
    return sorted((row.template_id, row.type, row.matched_at) for row in call(findings.list_))


def _warnings(item: Item) -> list[str]:
    return [item.message] if isinstance(item, Warning_) else []


async def old_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, and hangs up on whoever asks for a page."""
    writer.write(b"SSH-1.99-old\r\n")
    await reader.read(10)


async def idle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Waits."""
    await reader.read(10)


def test_a_service_that_speaks_no_http_is_scanned_with_what_it_speaks(call: Call, tmp_path: Path) -> None:
    with beside(tcp_server(old_ssh)) as server:
        result = scan(call, f"127.0.0.1:{server.port}", templates(tmp_path, banner=BANNER, page=PAGE))
        assert found(call) == [("banner", "tcp", f"127.0.0.1:{server.port}")]
        assert (result.success, result.unreached_count) == (True, 0)


def test_a_handshake_is_looked_at(call: Call, tmp_path: Path) -> None:
    context = tls_context("localhost", common_name="router.lan")
    with beside(tcp_server(idle, context)) as server:
        scan(call, f"https://127.0.0.1:{server.port}", templates(tmp_path, handshake=HANDSHAKE))
        assert found(call) == [("handshake", "ssl", f"127.0.0.1:{server.port}")]
        assert server.connections == 1


def test_files_and_folders_are_scanned_with_templates_for_files(call: Call, tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "r1.cfg").write_text("hostname r1\nenable password 7 0822455D\n")
    (tmp_path / "configs" / "r2.cfg").write_text("hostname r2\n")
    checks = templates(tmp_path, password=PASSWORD, page=PAGE)
    result = scan(call, str(tmp_path / "configs"), checks)
    assert found(call) == [("password", "file", str(tmp_path / "configs" / "r1.cfg"))]
    assert (result.success, result.error_count) == (True, 0)


def test_a_file_that_is_not_there_is_an_error_in_one_line(call: Call, tmp_path: Path) -> None:
    result = scan(call, str(tmp_path / "none.cfg"), templates(tmp_path, password=PASSWORD))
    assert [str(tmp_path / "none.cfg") in text and "no such file" in text for text in result.errors] == [True]


def test_a_workflow_reports_the_templates_that_ran_last(
    call: Call, tmp_path: Path, weak_server: WeakServer
) -> None:
    (folder,) = templates(tmp_path, page=PAGE, second=PAGE)
    steps = (
        "workflows:\n- template: checks/page.yaml\n"
        "  subtemplates: [{template: checks/second.yaml}, {template: none.yaml}]\n"
    )
    workflow = tmp_path / "flow.yaml"
    workflow.write_text(HEAD.format(id="flow") + steps)
    said: list[str] = []
    hooks = hooks_from({"on_item": lambda _, item: said.extend(_warnings(item))})
    plan = ScanPlan(endpoints=(weak_server.url,), templates=(workflow,), rate_limit=0.0)
    result = call(service.submit_scan, plan, hooks=hooks)
    assert said == [f"{workflow}: there is no template 'none.yaml'"]
    assert [template for template, _, _ in found(call)] == ["second"]
    assert (result.template_count, result.success) == (1, True)
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("answer", "state"), [("SERVFAIL", "open"), ("REFUSED", "open"), ("NXDOMAIN", "fixed")]
)
def test_a_record_is_gone_when_its_name_is_and_not_when_the_name_server_fails(
    sqlite_url: str, data_dir: Path, tmp_path: Path, answer: str, state: str
) -> None:
    zone = {("localhost.", "TXT"): ['"v=weak"']}
    with beside(dns_server(zone)) as names:
        limits = Scan(resolvers=(f"127.0.0.1:{names.port}",))
        config = Config(data_dir=data_dir, database=Database(url=sqlite_url), scan=limits)
        plan = ScanPlan(endpoints=("localhost:9",), templates=templates(tmp_path, record=RECORD))
        with rookery.open(config=config) as rook:
            assert rook.scans.submit_scan(plan).coverage["ok"] == 1
            zone["localhost.", "RCODE"] = [answer]
            rook.scans.submit_scan(plan)
            [finding] = rook.findings.list()
    assert (finding.template_id, finding.state) == ("record", state)

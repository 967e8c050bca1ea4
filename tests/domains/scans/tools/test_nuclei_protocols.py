"""What nuclei has done by tcp, ssl and dns, which it is given where everything is in the scope."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from msgspec.structs import replace

import rookery
from rookery.domains.scans.plan import ScanPlan
from tests.beside import beside
from tests.conformance.servers import answer_from, tcp_server
from tests.domains.scans.tools import programs
from tests.domains.scans.tools.test_nuclei_coverage import outcomes, scan, settings, states

Zone = dict[tuple[str, str], list[str]]


@pytest.fixture
def zone() -> Zone:
    """What the name server says."""
    return {}


@pytest.fixture
def rook(sqlite_url: str, data_dir: Path, zone: Zone) -> Iterator[rookery.Rook]:
    """A Rook that scans with nuclei, which everything is in the scope of, and asks a name server of its own.

    By TCP: nuclei asks it through the gate."""
    config = settings(sqlite_url, data_dir, programs.nuclei())
    with ExitStack() as stack:
        names = stack.enter_context(beside(tcp_server(NameServer(zone))))
        scan = replace(config.scan, resolvers=(f"127.0.0.1:{names.port}",))
        opened = stack.enter_context(rookery.open(config=replace(config, scan=scan)))
        for network in ("0.0.0.0/0", "::/0"):
            opened.scans.add_to_scope(network)
        yield opened


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(
        f"id: {name}\ninfo: {{name: N, author: rookery, severity: low}}\n{text}\n"
    )
    return folder


class Service:
    """Says its `banner` to whoever says something; with TLS, it shows a certificate for `name`."""

    def __init__(self, banner: bytes = b"weak 1.0", *, tls: bool = False) -> None:
        self.banner = banner
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        self.name("weak.example")

    def name(self, name: str) -> None:
        """Show a new certificate from now on."""
        if self.context:
            trustme.CA().issue_cert("localhost", common_name=name).configure_cert(self.context)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(self.banner)
        await writer.drain()


class NameServer:
    """Answers by TCP with the records of a zone."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        reply = answer_from(self.zone, asked)
        writer.write(len(reply).to_bytes(2) + reply)
        await writer.drain()


class Weak(NamedTuple):
    """A weakness: where, the template that sees it, and how it is mended and brought back."""

    url: str
    template: str
    mend: Callable[[], Any]
    bring_back: Callable[[], Any]


TCP = """tcp:
  - host: ['{{Hostname}}']
    inputs: [{data: hi}]
    matchers: [{type: word, words: [weak]}]"""
SSL = """ssl:
  - address: '{{Host}}:{{Port}}'
    matchers: [{type: word, part: subject_cn, words: [weak]}]"""
DNS = """dns:
  - name: '{{FQDN}}'
    type: TXT
    matchers: [{type: word, words: [weak]}]"""


def weak_by_tcp(stack: ExitStack, _: Zone) -> Weak:
    service = Service()
    port = stack.enter_context(beside(tcp_server(service))).port

    def say(banner: bytes) -> None:
        service.banner = banner

    return Weak(f"http://127.0.0.1:{port}", TCP, lambda: say(b"strong"), lambda: say(b"weak 1.0"))


def weak_by_ssl(stack: ExitStack, _: Zone) -> Weak:
    service = Service(tls=True)
    port = stack.enter_context(beside(tcp_server(service, service.context))).port
    mend, bring_back = (partial(service.name, name) for name in ("strong.example", "weak.example"))
    return Weak(f"https://127.0.0.1:{port}", SSL, mend, bring_back)


def weak_by_dns(_: ExitStack, zone: Zone) -> Weak:
    def answer(text: str) -> None:
        zone["localhost.", "TXT"] = [text]

    answer("weak")
    return Weak("http://localhost:9", DNS, lambda: answer("strong"), lambda: answer("weak"))


@pytest.mark.parametrize("weak", [weak_by_tcp, weak_by_ssl, weak_by_dns])
def test_what_is_mended_is_fixed_and_what_comes_back_is_open_again(
    rook: rookery.Rook, tmp_path: Path, zone: Zone, weak: Callable[[ExitStack, Zone], Weak]
) -> None:
    with ExitStack() as stack:
        one = weak(stack, zone)
        folder = write(tmp_path / "t", "one", one.template)
        first = scan(rook, one.url, templates=folder)
        assert first.coverage == {"ok": 1, "error": 0, "skipped": 0}
        [finding] = rook.findings.list()
        assert (finding.state, finding.target) == ("open", one.url)
        one.mend()
        scan(rook, one.url, templates=folder)
        assert states(rook) == {("one", ""): "fixed"}
        one.bring_back()
        scan(rook, one.url, templates=folder)
        [finding] = rook.findings.list()
        assert (finding.state, finding.reopened_count) == ("open", 1)


def test_both_engines_know_of_the_other_ones_findings_what_is_fixed(
    rook: rookery.Rook, tmp_path: Path
) -> None:
    """They name the target alike, though nuclei says an address where it was given a URL."""
    with ExitStack() as stack:
        one = weak_by_tcp(stack, {})
        folder = write(tmp_path / "t", "one", one.template)
        scan(rook, one.url, templates=folder)
        one.mend()
        rook.scans.submit_scan(ScanPlan(endpoints=(one.url,), templates=(folder,)))
    assert states(rook) == {("one", ""): "fixed"}


@pytest.mark.parametrize("weak", [weak_by_tcp, weak_by_ssl])
def test_where_nobody_answers_any_more_nothing_is_fixed(
    rook: rookery.Rook, tmp_path: Path, zone: Zone, weak: Callable[[ExitStack, Zone], Weak]
) -> None:
    with ExitStack() as stack:
        one = weak(stack, zone)
        folder = write(tmp_path / "t", "one", one.template)
        scan(rook, one.url, templates=folder)
    result = scan(rook, one.url, templates=folder)
    assert states(rook) == {("one", ""): "open"}
    assert outcomes(rook, result, one.url) == {"one": "error"}


def test_a_name_that_is_gone_may_have_no_name_server_and_proves_nothing(
    rook: rookery.Rook, tmp_path: Path, zone: Zone
) -> None:
    """nuclei calls NXDOMAIN, SERVFAIL and REFUSED the same: it could not resolve it."""
    zone["localhost.", "TXT"] = ["weak"]
    folder = write(tmp_path / "t", "one", DNS)
    scan(rook, "http://localhost:9", templates=folder)
    assert states(rook) == {("one", ""): "open"}
    zone.clear()
    result = scan(rook, "http://localhost:9", templates=folder)
    assert states(rook) == {("one", ""): "open"}
    assert outcomes(rook, result, "http://localhost:9") == {"one": "error"}


def test_each_address_of_a_template_must_have_answered(rook: rookery.Rook, tmp_path: Path) -> None:
    """The record of a template's end has the error of the last one alone; about others nuclei complains."""
    service = Service(b"strong")
    with beside(tcp_server(service)) as server:
        closed_first = TCP.replace("['{{Hostname}}']", "['{{Host}}:1', '{{Hostname}}']")
        closed_last = TCP.replace("['{{Hostname}}']", "['{{Hostname}}', '{{Host}}:1']")
        for name, text in (("first", closed_first), ("last", closed_last), ("none", TCP)):
            write(tmp_path / "t", name, text)
        result = scan(rook, server.url, templates=tmp_path / "t")
        assert outcomes(rook, result, server.url) == {"first": "error", "last": "error", "none": "ok"}


def test_endpoints_on_one_host_are_told_apart_or_known_at_the_end(rook: rookery.Rook, tmp_path: Path) -> None:
    """Of ssl nuclei names the host alone; and of tcp its template's port instead of that of http."""
    plain, secret = Service(), Service(tls=True)
    with beside(tcp_server(plain)) as one, beside(tcp_server(secret, secret.context)) as other:
        port = f"tcp:\n  - port: {one.port}\n    exclude-ports: {other.port}"
        write(tmp_path / "t", "port", TCP.replace("tcp:\n  -", f"{port}\n   "))
        write(tmp_path / "t", "certificate", SSL.replace("weak", "other"))
        endpoints = (one.url, f"https://127.0.0.1:{other.port}")
        result = scan(rook, *endpoints, templates=tmp_path / "t")
        assert outcomes(rook, result, endpoints[0]) == {"port": "ok", "certificate": "error"}
        assert outcomes(rook, result, endpoints[1]) == {"port": "ok", "certificate": "ok"}
        assert {each.target for each in rook.findings.list()} == {one.url}


def test_what_mixes_protocols_is_run_and_closes_nothing(rook: rookery.Rook, tmp_path: Path) -> None:
    with ExitStack() as stack:
        one = weak_by_tcp(stack, {})
        http = "http:\n  - method: GET\n    path: ['{{BaseURL}}/']\n    matchers: [{type: word, words: [no]}]"
        folder = write(tmp_path / "t", "one", f"{one.template}\n{http}")
        result = scan(rook, one.url, templates=folder)
        assert (result.template_count, result.coverage["ok"]) == (1, 0)
        assert states(rook) == {("one", ""): "open"}

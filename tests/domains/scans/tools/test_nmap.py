"""nmap as a tool: ports, services and certificates, of nothing but what is in the scope."""

from __future__ import annotations

import hashlib
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme

import rookery
from rookery.base import config
from rookery.base.config import Scan as Limits
from rookery.base.errors import FatalError, TemporaryError
from rookery.demo import WeakServer
from rookery.domains.scans.endpoints import host_of
from rookery.domains.scans.errors import BadTarget, NothingToResume
from rookery.domains.scans.items import Certificate, Ip, Port, Technology, Url
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.tools import ScanRunner, ToolJob, find
from rookery.domains.scans.tools.nmap.reading import BadOutput, Reading
from rookery.domains.scans.tools.nmap.targets import host_and_port, parse_host, ports_of
from rookery.mechanisms.hooks import Error, Item, Progress, Warning_
from tests.domains.scans.tools import programs

ItemT = TypeVar("ItemT", bound=Item)

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n<nmaprun scanner="nmap">\n'
HOST = (
    '<host><status state="up"/><address addr="{address}" addrtype="ipv4"/><ports><port protocol="tcp" '
    'portid="{port}"><state state="open"/><service name="http" product="nginx" version="1.2" conf="10">'
    "<cpe>cpe:/a:x:nginx</cpe></service></port></ports></host>\n"
)
END = '<runstats><finished exit="success"/></runstats></nmaprun>'
ONE = HOST.format(address="127.0.0.1", port=80)


def of(items: list[Item], kind: type[ItemT]) -> list[ItemT]:
    return [item for item in items if isinstance(item, kind)]


def run(*endpoints: str, **limits: Any) -> tuple[ScanRunner, list[Item]]:
    """nmap's runner, at its end, and its items."""
    tool = find("nmap")
    plan = ScanPlan(endpoints=tuple(map(parse_host, endpoints)))
    runner = tool.runner(ToolJob(plan=plan, limits=Limits(rate_limit=0.0, **limits)))
    return runner, list(runner)


def fake(tmp_path: Path, body: str, **limits: Any) -> tuple[ScanRunner, list[Item]]:
    """The same for a program in nmap's place."""
    return run("127.0.0.1", nmap_path=programs.script(tmp_path, body, name="nmap"), **limits)


SERVE_TLS = """
import socketserver, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            with context.wrap_socket(self.request, server_side=True) as connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        except OSError:
            pass

with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """A web server with a certificate: its port, and the certificate's fingerprint.

    Unlike asyncio, it answers what is not TLS with an alert, as servers do; by that nmap knows it for TLS.
    """
    certificate = trustme.CA().issue_cert("localhost", common_name="weak.example")
    file = tmp_path_factory.mktemp("tls") / "key-and-certificate.pem"
    file.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
    der = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
    command = [sys.executable, "-c", SERVE_TLS, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline()), hashlib.sha256(der).hexdigest()
        server.kill()


def test_ports_services_and_certificates_become_items(
    weak_server: WeakServer, tls: tuple[int, str], free_port: int
) -> None:
    programs.nmap()
    port, secure = int(weak_server.url.rpartition(":")[2]), tls[0]
    runner, items = run(weak_server.url, f"localhost:{secure}", f"127.0.0.1:{free_port}")
    assert runner.summary is not None
    assert runner.summary.status == "success", runner.summary.messages
    assert [(item.ip, item.alive) for item in of(items, Ip)] == [("127.0.0.1", True)]
    ports = {item.port: item for item in of(items, Port)}
    assert ports.keys() == {port, secure}, "a closed port is none"
    assert (ports[port].service_name, ports[port].product, ports[port].version) == ("http", "nginx", "1.14.0")
    assert (ports[port].confidence, ports[port].host) == ("high", "localhost")
    assert ("nginx", f"127.0.0.1:{port}", "1.14.0") in {
        (item.product, item.match, item.version) for item in of(items, Technology)
    }
    assert f"http://127.0.0.1:{port}" in {item.url for item in of(items, Url)}
    [certificate] = of(items, Certificate)
    assert (certificate.fingerprint_sha256, certificate.match) == (tls[1], f"127.0.0.1:{secure}")
    assert (certificate.subject_cn, certificate.subject_an) == ("weak.example", ["localhost"])
    assert certificate.not_after > certificate.not_before
    assert of(items, Progress)[-1].percent == 100


@pytest.mark.parametrize(
    ("text", "canonical", "host", "port"),
    [
        ("192.0.2.7", "192.0.2.7", "192.0.2.7", None),
        ("Router.LAN:22", "router.lan:22", "router.lan", 22),
        ("http://127.0.0.1:8080/a", "127.0.0.1:8080", "127.0.0.1", 8080),
        ("https://router.lan/", "router.lan", "router.lan", None),
        ("192.0.2.0/24", "192.0.2.0/24", "192.0.2.0/24", None),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1", None),
        ("[2001:DB8::1]:22", "[2001:db8::1]:22", "2001:db8::1", 22),
        ("2001:db8::/64", "2001:db8::/64", "2001:db8::/64", None),
    ],
)
def test_what_nmap_may_be_given(text: str, canonical: str, host: str, port: int | None) -> None:
    assert parse_host(text) == canonical
    assert parse_host(canonical) == canonical
    assert host_and_port(canonical) == (host, port)
    assert host_of(canonical) == host


STRANGE = ["", "-iL/etc/passwd", "--script=evil", "192.0.2.1-9", "192.0.2.*", "10.0-255.1.1", "*.lan", "a b"]
STRANGE += ["a;b", "user@host", "192.0.2.7/24", "host/24", "host:99999", "http://", "x" * 300, "a\nb"]


@pytest.mark.parametrize("text", STRANGE)
def test_what_nmap_would_take_for_something_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadTarget) as refusal:
        parse_host(text)
    assert len(str(refusal.value).splitlines()) == 1


def test_ports_are_those_of_the_endpoints_when_each_names_one() -> None:
    assert ports_of(["127.0.0.1:80", "[::1]:22", "router.lan:80"]) == (22, 80)
    assert ports_of(["127.0.0.1:80", "127.0.0.1"]) == ()


def test_a_network_is_in_the_scope_when_all_of_it_is() -> None:
    scope = Scope(["192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32", "router.lan"])
    assert scope.admits("192.0.2.0/26")
    assert scope.admits("2001:db8:1::/64")
    assert scope.admits("127.0.0.0/8")
    for stranger in ("192.0.2.0/24", "0.0.0.0/0", "126.0.0.0/7", "::/0", "192.0.2.7/24", "x/24"):
        assert not scope.admits(stranger)


def test_a_name_that_leads_out_of_the_scope_is_not_given_to_nmap(tmp_path: Path) -> None:
    """It is admitted as a name of this machine, and its address decides."""
    body = f"open({str(tmp_path / 'argv')!r}, 'w').write(' '.join(sys.argv))\nsay({HEAD + END!r})"
    run("localhost:80", "nowhere.localhost:80", nmap_path=programs.script(tmp_path, body, name="nmap"))
    argv = (tmp_path / "argv").read_text().split()
    assert argv[-1] == "127.0.0.1", "addresses alone"
    assert {"-n", "-sT", "-Pn"} <= set(argv)
    assert "localhost" not in argv


def test_a_result_about_a_stranger_is_left_out(tmp_path: Path) -> None:
    lie = HOST.format(address="192.0.2.1", port=80)
    _, items = fake(tmp_path, f"say({HEAD + lie + ONE + END!r})")
    assert {item.ip for item in of(items, Port)} == {"127.0.0.1"}
    [warning] = of(items, Warning_)
    assert warning.message == "nmap reports on 192.0.2.1, which is not in the scope: left out"
    assert {item.match for item in of(items, Technology)} == {"127.0.0.1:80"}
    assert {item.url for item in of(items, Url)} == {"http://127.0.0.1:80"}


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (f"say({HEAD + ONE!r}); os.kill(os.getpid(), 9)", TemporaryError, "ended by SIGKILL"),
        (f"say({HEAD + ONE!r})", TemporaryError, "breaks off"),
        (f"say({HEAD + ONE!r}); print('oh no', file=sys.stderr); sys.exit(1)", FatalError, "with 1: oh no"),
        (f"say({HEAD + ONE!r}); say('<a></b>'); time.sleep(600)", FatalError, "not XML"),
        (f"say({HEAD + ONE!r}); time.sleep(600)", TemporaryError, "it hung"),
    ],
    ids=["killed", "cut", "failed", "garbage", "hung"],
)
def test_how_it_ended_says_whether_another_try_may_help(
    tmp_path: Path, body: str, kind: type[Exception], message: str
) -> None:
    runner, items = fake(tmp_path, body, hang_timeout=3.0)
    assert isinstance(runner.failure, kind)
    assert message in str(runner.failure)
    assert bool(runner.partial) == (kind is TemporaryError)
    assert [item.port for item in of(items, Port)] == [80], "what it found until then is kept"
    [error] = of(items, Error)
    assert len(error.message.splitlines()) == 1


def test_a_program_that_takes_no_notice_is_killed(tmp_path: Path) -> None:
    body = (
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"say({HEAD!r}); time.sleep(600)"
    )
    runner, _ = fake(tmp_path, body, hang_timeout=2.0)
    assert runner.exit_code == -signal.SIGKILL


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


@pytest.mark.parametrize(
    "text",
    [
        f"<!DOCTYPE nmaprun [{LAUGHS}]><nmaprun>&l9;</nmaprun>",
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/x.dtd"> %p;]><x/>',
        "<a>" * 100_000,
        "<nmaprun>\0</nmaprun>",
        "<nmaprun>\x1b[31m</nmaprun>",
        "<nmaprun></host>",
        "nonsense\n",
        '<!DOCTYPE nmaprun SYSTEM "file:///etc/passwd"><nmaprun>&x;</nmaprun>',
    ],
    ids=["laughs", "file", "parameter", "deep", "nul", "escape", "torn", "text", "external"],
)
def test_hostile_xml_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(BadOutput) as refusal:
        Reading().feed(text)
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 200


def test_what_the_xml_says_is_cut_and_nothing_of_it_is_believed_blindly() -> None:
    port = (
        f'<port protocol="tcp" portid="{{number}}"><state state="open"/><service name="{"n" * 100_000}" '
        f'product="&#60;script&#62;" conf="x"/>{"<cpe>c</cpe>" * 1_000}'
        '<script id="ssl-cert"><table key="a"><elem key="pem">-----BEGIN CERTIFICATE-----\nAAAA\n'
        "-----END CERTIFICATE-----</elem></table></script></port>"
    )
    ports = "".join(port.format(number=number) for number in ("22", "-1", "x", ""))
    host = f'<host><status state="up"/><address addr="127.0.0.1" addrtype="ipv4"/>{ports}</host>'
    [(_, items)] = Reading().feed(f"{HEAD}{host}")
    [found] = of(items, Port)
    assert (found.port, found.confidence, found.product) == (22, "low", "<script>")
    assert len(found.service_name) <= 500
    assert len(found.cpes) <= 20
    [certificate] = of(items, Certificate)
    assert certificate.subject_cn == "", "three bytes are no certificate; that something was there is known"


def test_memory_does_not_grow_with_the_number_of_hosts() -> None:
    reading = Reading()
    reading.feed(HEAD)
    count = 0
    for number in range(20_000):
        [seen] = reading.feed(HOST.format(address=f"10.0.{number // 250}.{number % 250}", port=80))
        count += len(seen.items)
    assert count == 20_000 * 4
    assert reading.hosts == 20_000
    assert sum(len(value) for value in vars(reading).values() if isinstance(value, list | str)) < 100


def test_without_nmap_it_says_so() -> None:
    answer = find("nmap").available(Limits(nmap_path="/nowhere/nmap"))
    assert answer.reason == "scan.nmap_path is /nowhere/nmap, which is not a program that can be run"
    assert answer.instead == ""


def settings(url: str, data_dir: Path, program: str) -> config.Config:
    scan = config.Scan(nmap_path=program, rate_limit=0.0)
    return config.Config(data_dir=data_dir, database=config.Database(url=url), scan=scan)


def test_each_host_that_was_looked_at_is_done_and_closes_no_finding(
    sqlite_url: str, data_dir: Path, weak_server: WeakServer, free_port: int
) -> None:
    """Also one without an open port, and one in a network."""
    endpoints = (f"127.0.0.1:{free_port}", "127.0.0.8/31")
    with rookery.open(config=settings(sqlite_url, data_dir, programs.nmap())) as rook:
        rook.scans.submit_scan(ScanPlan(endpoints=(weak_server.url,), rate_limit=0.0))
        open_ = rook.findings.count()
        with socket.create_server(("127.0.0.9", free_port)):
            result = rook.scans.submit_scan(ScanPlan(endpoints=endpoints, engine="nmap", rate_limit=0.0))
        counts = rook.scans.coverage_counts(result.run_id)
        assert rook.findings.count("state:open") == open_ > 40
        assert (result.template_count, rook.scans.run(result.run_id).template_count) == (0, 0)
        with pytest.raises(NothingToResume):
            rook.scans.resume_scan(result.run_id)
    assert counts.keys() >= {*endpoints, "127.0.0.9"}
    assert set(counts.values()) == {(1, 0, 0)}


def test_of_a_run_that_was_broken_off_the_hosts_that_are_left_are_looked_at(
    sqlite_url: str, data_dir: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    body = (
        "if '--version' in sys.argv: sys.exit(say('Nmap version 7.93'))\n"
        f"is_first = not os.path.exists({str(asked)!r})\n"
        f"open({str(asked)!r}, 'a').write(' '.join(each for each in sys.argv if '127.' in each) + ';')\n"
        f"say({HEAD!r}); say({ONE!r} if is_first else {HOST.format(address='127.0.0.2', port=80)!r})\n"
        f"if is_first: os.kill(os.getpid(), 9)\nsay({END!r})"
    )
    program = programs.script(tmp_path, body, name="nmap")
    with rookery.open(config=settings(sqlite_url, data_dir, program)) as rook:
        plan = ScanPlan(endpoints=("127.0.0.1", "127.0.0.2"), engine="nmap", rate_limit=0.0)
        broken = rook.scans.submit_scan(plan)
        assert (broken.success, broken.coverage["ok"]) == (False, 1)
        whole = rook.scans.resume_scan(broken.run_id)
        assert (whole.success, whole.coverage["ok"]) == (True, 2)
    assert asked.read_text() == "127.0.0.1 127.0.0.2;127.0.0.2;"


def test_a_host_that_was_not_given_to_nmap_is_skipped(
    sqlite_url: str, data_dir: Path, tmp_path: Path
) -> None:
    body = f"if '--version' in sys.argv: sys.exit(say('Nmap version 7.93'))\nsay({HEAD + ONE + END!r})"
    program = programs.script(tmp_path, body, name="nmap")
    with rookery.open(config=settings(sqlite_url, data_dir, program)) as rook:
        plan = ScanPlan(endpoints=("127.0.0.1", "::1"), engine="nmap", rate_limit=0.0)
        result = rook.scans.submit_scan(plan)
        assert rook.scans.coverage_counts(result.run_id)["::1"] == (0, 0, 1), "IPv6 has runs of its own"

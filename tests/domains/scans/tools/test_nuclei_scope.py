"""nuclei held to the scope: what passes the gate, and that it is not given what would go past it.

Loopback is always in the scope; these tests narrow it to 127.0.0.1, so that 127.0.0.2 is outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery.base.config import Scan as Limits
from rookery.domains.findings.items import Vulnerability
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.tools import ToolJob, find
from rookery.domains.scans.tools.nuclei.runner import NucleiRunner
from rookery.mechanisms.hooks import Item, Warning_
from tests.domains.scans.tools import programs
from tests.domains.scans.tools.listeners import OK, Listener
from tests.domains.scans.tools.test_nmap import tls

__all__ = ["tls"]

ANYTHING = ("0.0.0.0/0", "::/0")
HELLO = "matchers: [{type: word, words: [hello]}]"


class Narrow(Scope):
    """127.0.0.1 and nothing else, not even the rest of loopback."""

    def admits(self, host: str) -> bool:
        return host == "127.0.0.1"

    def allows(self, host: str, address: str) -> bool:  # noqa: ARG002 -- as a Scope has it
        return address == "127.0.0.1"


@pytest.fixture
def outside() -> Iterator[Listener]:
    """A server that is not in the scope."""
    with Listener("127.0.0.2") as server:
        yield server


@pytest.fixture
def inside() -> Iterator[Listener]:
    """A server that is."""
    with Listener("127.0.0.1") as server:
        yield server


def runner_of(folder: Path, target: str, template: str, scope: tuple[str, ...] = ()) -> NucleiRunner:
    """nuclei's runner for one template, with a gate that lets it through to 127.0.0.1 alone."""
    (folder / "t.yaml").write_text(f"id: t\ninfo: {{name: T, author: rookery, severity: info}}\n{template}\n")
    limits = Limits(rate_limit=0.0, retries=0, timeout=5.0, nuclei_path=programs.nuclei())
    plan = ScanPlan(endpoints=(target,), templates=(folder / "t.yaml",))
    runner = find("nuclei").runner(ToolJob(plan=plan, limits=limits, scope=scope))
    assert isinstance(runner, NucleiRunner)
    runner.scope = Narrow()
    return runner


def places(items: list[Item]) -> list[str]:
    return [item.matched_at for item in items if isinstance(item, Vulnerability)]


def warnings(items: list[Item]) -> list[str]:
    return [item.message for item in items if isinstance(item, Warning_)]


GET = "http:\n  - method: GET\n    path: ['{{BaseURL}}/']\n    "
HTTP = {
    "path": "- method: GET\n    path: ['HERE/']",
    "raw": '- raw: ["@Host: HERE\\nGET / HTTP/1.1\\nHost: x\\n\\n"]',
    "redirect": "- method: GET\n    path: ['{{BaseURL}}/to?HERE/']\n    redirects: true",
    "unsafe": '- raw: ["GET /to?HERE/ HTTP/1.1\\nHost: x\\n\\n"]\n    unsafe: true\n    redirects: true',
    "threads": '- raw: ["GET /to?HERE/ HTTP/1.1\\nHost: {{Hostname}}\\n\\n"]\n    redirects: true\n'
    "    threads: 2\n    payloads: {p: [a, b]}",
    "digest": '- raw: ["GET /to?HERE/ HTTP/1.1\\nHost: {{Hostname}}\\n\\n"]\n    redirects: true\n'
    "    digest-username: u\n    digest-password: p",
}  # fmt: skip


def redirect(heard: bytes) -> bytes:
    """To the address after the question mark, if there is one."""
    _, asked, place = heard.partition(b" HTTP/")[0].partition(b"?")
    if not asked:
        return OK
    return b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % place


@pytest.mark.parametrize("how", HTTP)
def test_http_reaches_what_is_in_the_scope_and_nothing_else(
    tmp_path: Path, inside: Listener, outside: Listener, how: str
) -> None:
    """However a template gets there: by a URL, a raw request, a redirect, and by each of nuclei's clients."""
    with Listener(answer=redirect) as target:
        for server, is_reached in ((inside, True), (outside, False)):
            text = f"http:\n  {HTTP[how].replace('HERE', server.url)}\n    {HELLO}"
            items = list(runner_of(tmp_path, target.url, text))
            assert (places(items) != []) == is_reached, items
            assert (server.heard != []) == is_reached
            refused = (
                f"nuclei was refused at the gate: 127.0.0.2:{outside.port} (127.0.0.2) is not in the scope"
            )
            assert (refused in warnings(items)) != is_reached


PAST = {
    "tcp": "tcp:\n  - host: ['127.0.0.2:PORT']\n    inputs: [{data: hi}]\n    " + HELLO,
    "network": "network:\n  - host: ['127.0.0.2:PORT']\n    inputs: [{data: hi}]\n    " + HELLO,
    "tcp over tls": "tcp:\n  - host: ['tls://127.0.0.2:PORT']\n    inputs: [{data: hi}]\n    " + HELLO,
    "ssl": "ssl:\n  - address: 127.0.0.2:PORT\n    matchers: [{type: dsl, dsl: ['true']}]",
    "http and ssl": GET + HELLO + "\nssl:\n  - address: 127.0.0.2:PORT\n    "
    "matchers: [{type: dsl, dsl: ['true']}]",
    "http and javascript": GET + HELLO + "\njavascript:\n"
    "  - code: require('nuclei/net').Open('tcp', '127.0.0.2:PORT')\n    " + HELLO,
    "jarm()": GET + "matchers: [{type: dsl, dsl: [\"jarm('127.0.0.2:PORT') == ''\"]}]",
}  # fmt: skip
NOT_HELD = "nuclei cannot be kept to the scope with {}; the embedded engine can"
REASONS = {
    "tcp": NOT_HELD.format("tcp"),
    "network": NOT_HELD.format("tcp"),
    "tcp over tls": NOT_HELD.format("tcp"),
    "ssl": NOT_HELD.format("ssl"),
    "http and ssl": NOT_HELD.format("ssl"),
    "http and javascript": "nuclei is given nothing with javascript",
    "jarm()": "its jarm() would go past the gate that keeps nuclei to the scope",
}


@pytest.mark.parametrize("what", PAST)
def test_what_would_go_past_the_gate_is_not_given_to_nuclei_and_said_why(
    tmp_path: Path, inside: Listener, outside: Listener, what: str
) -> None:
    runner = runner_of(tmp_path, inside.url, PAST[what].replace("PORT", str(outside.port)))
    assert runner.skipped == {REASONS[what]: 1}
    assert runner.template_count == 0
    list(runner)
    assert (inside.heard, outside.heard) == ([], [])


@pytest.mark.parametrize("what", ["tcp", "tcp over tls", "ssl", "jarm()"])
def test_why_that_is_so_nuclei_dials_itself_what_the_gate_refuses(
    tmp_path: Path, inside: Listener, outside: Listener, what: str
) -> None:
    """nuclei 3.4.10; when this fails, a nuclei has come that can be given more."""
    list(runner_of(tmp_path, inside.url, PAST[what].replace("PORT", str(outside.port)), scope=ANYTHING))
    assert outside.heard


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dns:\n  - name: '{{FQDN}}'\n    type: A\n    " + HELLO, NOT_HELD.format("dns")),
        (
            "http:\n  - raw: [\"GET / HTTP/1.1\\nHost: x\\n\\n\"]\n    pipeline: true\n    " + HELLO,
            "its pipeline would go past the gate that keeps nuclei to the scope",
        ),
        (
            GET + "matchers: [{type: dsl, dsl: [\"resolve('a.test') == ''\"]}]",
            "its resolve() would go past the gate that keeps nuclei to the scope",
        ),
        ("workflows:\n  - template: t.yaml", "nuclei is given nothing with workflows"),
        ("  'dns' :\n  - x: y", NOT_HELD.format("dns")),
        ("http:\n  - nothing: {ssl: x}", NOT_HELD.format("ssl")),
    ],
    ids=["dns", "pipeline", "resolve()", "workflow", "unreadable dns", "unreadable ssl"],
)  # fmt: skip
def test_what_else_is_not_given_to_nuclei(tmp_path: Path, text: str, reason: str) -> None:
    runner = runner_of(tmp_path, "http://127.0.0.1:9", text)
    assert (runner.skipped, runner.template_count) == ({reason: 1}, 0)


def test_what_only_nuclei_may_understand_it_is_given(tmp_path: Path, inside: Listener) -> None:
    """A flow that is a program: the embedded engine refuses it."""
    runner = runner_of(
        tmp_path, inside.url, "flow: 'for (let i = 0; i < 1; i++) { http(1) }'\n" + GET + HELLO
    )
    assert (runner.skipped, runner.template_count) == ({}, 1)
    assert places(list(runner)) == [f"{inside.url}/"]


def test_tcp_and_ssl_are_run_where_everything_is_in_the_scope(
    tmp_path: Path, inside: Listener, tls: tuple[int, str]
) -> None:
    """They reach their target through the gate, as long as it lets them."""
    text = "tcp:\n  - host: ['{{Hostname}}']\n    inputs: [{data: hi}]\n    " + HELLO
    assert places(list(runner_of(tmp_path, inside.url, text, ANYTHING))) == [f"127.0.0.1:{inside.port}"]
    matchers = "matchers: [{type: word, part: subject_cn, words: [weak]}]"
    text = "ssl:\n  - address: '{{Host}}:{{Port}}'\n    " + matchers
    target = f"https://127.0.0.1:{tls[0]}"
    assert places(list(runner_of(tmp_path, target, text, ANYTHING))) == [f"127.0.0.1:{tls[0]}"]


def test_nucleis_second_http_client_goes_through_the_gate_too(tmp_path: Path) -> None:
    """What answers garbage is asked again by a client that follows redirects, and has no proxy of its own."""
    answers = [b"garbage\r\n\r\n", redirect(b"GET /?http://192.0.2.1/ HTTP/1.1")]
    with Listener(answer=lambda _: answers.pop(0)) as target:
        items = list(runner_of(tmp_path, target.url, GET + HELLO))
    assert len(target.heard) == 2
    assert "nuclei was refused at the gate: 192.0.2.1:80 (192.0.2.1) is not in the scope" in warnings(items)

"""What a run of nuclei covers: only a check that came to its end closes a finding; the rest is resumed."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import rookery
from rookery.base import config
from rookery.demo import WeakServer
from rookery.domains.findings.models import Finding
from rookery.domains.scans.coverage import ids_by_outcome
from rookery.domains.scans.errors import CannotResume, NothingToResume
from rookery.domains.scans.plan import ScanPlan, ScanResult
from rookery.domains.scans.tools import ScanRunner
from rookery.domains.templates import load_shipped
from rookery.mechanisms.hooks import Item, hooks_from
from tests.beside import beside
from tests.domains.scans.tools import programs
from tests.domains.scans.tools.listeners import OK, Listener

GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone"


@pytest.fixture
def rook(sqlite_url: str, data_dir: Path) -> Iterator[rookery.Rook]:
    """A Rook that scans with nuclei, at any rate."""
    with rookery.open(config=settings(sqlite_url, data_dir, programs.nuclei())) as opened:
        yield opened


def settings(url: str, data_dir: Path, program: str) -> config.Config:
    scan = config.Scan(nuclei_path=program, rate_limit=0.0, retries=0, timeout=3.0)
    return config.Config(data_dir=data_dir, database=config.Database(url=url), scan=scan)


def scan(rook: rookery.Rook, *endpoints: str, templates: Path | None = None, **more: Any) -> ScanResult:
    paths = (templates,) if templates else ()
    return rook.scans.submit_scan(ScanPlan(endpoints=endpoints, templates=paths, engine="nuclei", **more))


def states(rook: rookery.Rook) -> dict[tuple[str, str], str]:
    """The states of findings, by template and matcher."""
    found: list[Finding] = rook.findings.list(limit=1_000)
    return {(each.template_id, each.matcher): each.state for each in found}


def outcomes(rook: rookery.Rook, result: ScanResult, target: str) -> dict[str, str]:
    """How each template ended on a target."""
    packed = rook.scans.coverage(result.run_id, target=target)
    if target not in packed:
        return {}
    by_word = ids_by_outcome(rook.scans.template_ids(result.run_id), packed[target])
    return {id_: word for word, ids in by_word.items() for id_ in ids}


def write(folder: Path, name: str, http: str, more: str = "") -> None:
    folder.mkdir(exist_ok=True)
    text = f"id: {name}\ninfo: {{name: N, author: rookery, severity: low}}\n{more}http:\n{http}\n"
    (folder / f"{name}.yaml").write_text(text)


def block(*paths: str, words: tuple[str, ...] = ("hello",), more: str = "") -> str:
    """An http block: its paths, and a matcher named after each word."""
    asked = ", ".join(f"'{{{{BaseURL}}}}{path}'" for path in paths)
    matchers = "".join(f"\n      - {{type: word, name: {word}, words: [{word}]}}" for word in words)
    return f"  - method: GET\n    path: [{asked}]\n{more}    matchers:{matchers}"


class Site:
    """What a server answers: `pages` by path, GONE for others; the connection is cut at those in `broken`."""

    def __init__(self, **pages: bytes) -> None:
        self.pages = {f"/{name}": page for name, page in pages.items()}
        self.broken: set[str] = set()

    def __call__(self, heard: bytes) -> bytes:
        path = heard.split(b" ")[1].decode() if b" " in heard else ""
        return b"" if path in self.broken else self.pages.get(path, GONE)


@contextmanager
def weak() -> Iterator[int]:
    """The weak server on a port of its own."""
    with beside(WeakServer()) as server:
        yield int(server.url.rpartition(":")[2])


def test_what_a_repaired_server_no_longer_has_is_fixed(rook: rookery.Rook) -> None:
    """All templates that come with Rookery, on the weak server, and then on one without its pages."""
    with weak() as port:
        url = f"http://127.0.0.1:{port}"
        result = scan(rook, url)
        again = scan(rook, url)
    before = states(rook)
    assert len(before) > 40
    assert set(before.values()) == {"open"}, "nothing is closed that is still there"
    assert result.success
    assert result.template_count == len(load_shipped().templates), "nuclei understands them all"
    assert again.coverage == {"ok": result.template_count, "error": 0, "skipped": 0}
    with Listener(answer=lambda _: GONE, port=port):
        repaired = scan(rook, url)
    assert repaired.coverage["ok"] == result.template_count
    assert set(states(rook).values()) == {"fixed"}


def test_one_matcher_is_fixed_while_another_of_its_template_still_matches(
    rook: rookery.Rook, tmp_path: Path
) -> None:
    """Whether they look at one answer, or each path has its own."""
    write(tmp_path / "t", "words", block("/", words=("hello", "world")))
    write(tmp_path / "t", "paths", block("/a", "/b"))
    both = OK.replace(b"5\r", b"11\r") + b" world"
    with Listener(answer=(site := Site(a=OK, b=OK, **{"": both}))) as server:
        scan(rook, server.url, templates=tmp_path / "t")
        assert len(rook.findings.list()) == 4
        site.pages |= {"/": OK, "/b": GONE}
        scan(rook, server.url, templates=tmp_path / "t")
        fixed = {(each.matcher, each.matched_at) for each in rook.findings.list("state:fixed")}
    assert fixed == {("world", f"{server.url}/"), ("hello", f"{server.url}/b")}


def test_a_template_that_had_no_answer_proves_nothing(rook: rookery.Rook, tmp_path: Path) -> None:
    """Neither when nothing else matched, nor when something did; in one block, several, or a flow."""
    folder = tmp_path / "t"
    write(folder, "last", block("/x", "/cut"))
    write(folder, "first", block("/cut", "/x"))
    write(folder, "seen", block("/a", "/cut"))
    write(folder, "blocks", f"{block('/x')}\n{block('/cut')}")
    write(folder, "seen-in-blocks", f"{block('/a')}\n{block('/cut')}")
    write(folder, "flow", f"{block('/x')}\n{block('/cut')}", more="flow: http(1) || http(2)\n")
    write(folder, "payloads", block("/{{p}}", more="    threads: 2\n    payloads: {p: [x, cut, y]}\n"))
    write(folder, "whole", block("/x", "/y"))
    with Listener(answer=(site := Site(a=OK, cut=OK))) as server:
        scan(rook, server.url, templates=folder)
        assert set(states(rook).values()) == {"open"}
        site.broken.add("/cut")
        result = scan(rook, server.url, templates=folder)
        assert set(states(rook).values()) == {"open"}
        ended = outcomes(rook, result, server.url)
    assert ended.pop("whole") == "ok"
    assert ended.pop("seen-in-blocks") == "not run", "what went wrong in one of its blocks is not told"
    assert set(ended.values()) == {"error"}
    assert len(ended) == 6


def test_a_dead_host_closes_nothing_and_can_be_resumed_when_it_is_back(
    rook: rookery.Rook, tmp_path: Path
) -> None:
    for number in range(40):
        write(tmp_path / "t", f"check-{number}", block(f"/{number}"))
    with Listener(answer=lambda _: OK) as server:
        scan(rook, server.url, templates=tmp_path / "t")
    result = scan(rook, server.url, templates=tmp_path / "t")
    assert set(states(rook).values()) == {"open"}
    assert (result.success, result.unreached_count, result.coverage["ok"]) == (False, 1, 0)
    assert result.coverage["error"] + result.coverage["skipped"] == 40
    assert result.errors == (
        f"{server.url} was not scanned: 127.0.0.1:{server.port}: the connection was refused",
    )
    with Listener(answer=lambda _: GONE, port=server.port):
        again = rook.scans.resume_scan(result.run_id)
    assert again.coverage == {"ok": 40, "error": 0, "skipped": 0}
    assert set(states(rook).values()) == {"fixed"}


def test_a_host_that_dies_on_the_way_is_given_up_and_what_was_not_tried_proves_nothing(
    rook: rookery.Rook, tmp_path: Path
) -> None:
    """nuclei would go on for as long as it has templates: where nobody answers any more, it is ended."""
    for number in range(120):
        write(tmp_path / "t", f"check-{number:03}", block(f"/{number}"))
    asked: list[bytes] = []

    def die(heard: bytes) -> bytes:
        asked.append(heard)
        return GONE if len(asked) <= 20 else b""

    with Listener(answer=lambda _: OK) as server:
        scan(rook, server.url, templates=tmp_path / "t")
    with Listener(answer=die, port=server.port):
        result = scan(rook, server.url, templates=tmp_path / "t", concurrency=5)
    assert result.coverage["ok"] == 20
    assert result.coverage["error"] + result.coverage["skipped"] == 100
    assert f"{server.url} was given up" in result.errors[0]
    counted = list(states(rook).values())
    assert (counted.count("fixed"), counted.count("open")) == (20, 100)
    assert len(asked) < 100


def killable(tmp_path: Path) -> tuple[str, Callable[[], None]]:
    """nuclei, in a way that it can be killed: its path, and how."""
    file, real = tmp_path / "pid", programs.nuclei()
    body = f"open({str(file)!r}, 'w').write(str(os.getpid())); os.execv({real!r}, [{real!r}, *sys.argv[1:]])"

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.kill(int(file.read_text()), signal.SIGKILL)

    return programs.script(tmp_path, body), kill


def test_killed_in_the_middle_it_closes_what_it_completed_and_no_more(
    sqlite_url: str, data_dir: Path, tmp_path: Path
) -> None:
    """kill -9, as the system does for want of memory; the server was repaired before. The rest is resumed."""
    for number in range(40):
        write(tmp_path / "t", f"check-{number:02}", block(f"/{number}", f"/{number}/more"))
    program, kill = killable(tmp_path)

    def kill_on_the_way(runner: ScanRunner, _item: Item) -> None:
        if runner.coverage is not None and 3 < runner.coverage.counts()["ok"] < 40:
            kill()

    with rookery.open(config=settings(sqlite_url, data_dir, program)) as rook:
        with Listener(answer=lambda _: OK) as server:
            scan(rook, server.url, templates=tmp_path / "t")
        with Listener(answer=lambda _: GONE, port=server.port) as repaired:
            plan = ScanPlan(
                endpoints=(server.url,), templates=(tmp_path / "t",), engine="nuclei", rate_limit=20.0
            )
            broken = rook.scans.submit_scan(plan, hooks=hooks_from({"on_item": kill_on_the_way}))
            done = [id_ for id_, word in outcomes(rook, broken, server.url).items() if word == "ok"]
            assert rook.scans.run(broken.run_id).status == "partial"
            assert "nuclei was killed" in broken.error
            assert 0 < len(done) < 40
            assert {each.template_id for each in rook.findings.list("state:fixed", limit=100)} == {*done}
            assert len(rook.findings.list("state:fixed", limit=100)) == 2 * len(done)
            sent = len(repaired.heard)
            whole = rook.scans.resume_scan(broken.run_id)
            assert whole.coverage == {"ok": 40, "error": 0, "skipped": 0}
            assert len(repaired.heard) - sent == 2 * (40 - len(done)), "what was done is not done again"
            assert set(states(rook).values()) == {"fixed"}
            with pytest.raises(NothingToResume):
                rook.scans.resume_scan(broken.run_id)


def test_interrupted_it_can_be_resumed_on_the_targets_that_are_left(
    sqlite_url: str, data_dir: Path, tmp_path: Path
) -> None:
    for number in range(20):
        write(tmp_path / "t", f"check-{number:02}", block(f"/{number}"))
    under_way = threading.Event()

    def see(runner: ScanRunner, _item: Item) -> None:
        if runner.coverage is not None and runner.coverage.counts()["ok"] > 3:
            under_way.set()

    async def story(*urls: str) -> None:
        async with rookery.aopen(config=settings(sqlite_url, data_dir, programs.nuclei())) as rook:
            slow = ScanPlan(endpoints=urls, templates=(tmp_path / "t",), engine="nuclei", rate_limit=5.0)
            running = asyncio.create_task(rook.scans.submit_scan(slow, hooks=hooks_from({"on_item": see})))
            await asyncio.to_thread(under_way.wait)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            [run] = await rook.scans.runs()
            counts = await rook.scans.coverage_counts(run.id)
            assert run.status == "interrupted"
            assert 0 < sum(ok for ok, _, _ in counts.values()) < 40
            whole = await rook.scans.resume_scan(run.id)
            assert whole.coverage == {"ok": 40, "error": 0, "skipped": 0}
            assert whole.finding_count == 20

    with Listener() as one, Listener(answer=lambda _: GONE) as other, asyncio.Runner() as runner:
        runner.run(story(one.url, other.url))


def test_what_was_scanned_at_a_path_says_nothing_about_the_root(rook: rookery.Rook, tmp_path: Path) -> None:
    """Nor does one query of an endpoint about another."""
    write(tmp_path / "t", "one", block("/x"))
    site = Site(**{"x": OK, "app/x": OK, "app/x?q=1": OK, "app/x?q=2": OK})
    with Listener(answer=site) as server:
        urls = [server.url, f"{server.url}/app", f"{server.url}/app?q=1", f"{server.url}/app?q=2"]
        scan(rook, *urls, templates=tmp_path / "t")
        found = {each.target for each in rook.findings.list()}
        assert found == {server.url, f"{server.url}/app"}
        site.pages.clear()
        site.broken.add("/app/x?q=2")
        result = scan(rook, *urls[1:], templates=tmp_path / "t")
        assert outcomes(rook, result, f"{server.url}/app") == {"one": "error"}
        site.broken.clear()
        scan(rook, *urls[1:], templates=tmp_path / "t")
        by_target = {each.target: each.state for each in rook.findings.list()}
    assert by_target == {server.url: "open", f"{server.url}/app": "fixed"}


def test_templates_of_which_nuclei_does_not_tell_enough_are_not_covered(
    rook: rookery.Rook, tmp_path: Path
) -> None:
    """A flow that is a program is run, and closes nothing; a run of nothing else cannot be resumed."""
    flow = "flow: 'for (let i = 0; i < 1; i++) { http(1) }'\n"
    write(tmp_path / "t", "program", block("/x"), more=flow)
    with Listener(answer=(site := Site(x=OK))) as server:
        scan(rook, server.url, templates=tmp_path / "t")
        site.pages.clear()
        result = scan(rook, server.url, templates=tmp_path / "t")
    assert (result.template_count, result.coverage) == (1, {"ok": 0, "error": 0, "skipped": 0})
    assert states(rook) == {("program", "hello"): "open"}
    with pytest.raises(CannotResume):
        rook.scans.resume_scan(result.run_id)


def test_an_older_nuclei_covers_nothing(sqlite_url: str, data_dir: Path, tmp_path: Path) -> None:
    """It has not been seen to tell the truth."""
    write(tmp_path / "t", "one", block("/x"))
    said = {"template-id": "one", "template-path": str(tmp_path / "t" / "one.yaml"), "host": "127.0.0.1"}
    for version, ok in (("3.3.9", 0), ("3.4.0", 1)):
        body = (
            f"if '-version' in sys.argv: sys.exit(say('Nuclei Engine Version: v{version}'))\n"
            f"say(json.dumps({{**{said!r}, 'url': 'http://127.0.0.1:9', 'matcher-status': False}}))"
        )
        program = programs.script(tmp_path, body)
        with rookery.open(config=settings(sqlite_url, data_dir, program)) as rook:
            result = scan(rook, "http://127.0.0.1:9", templates=tmp_path / "t")
        assert (result.engine_version, result.coverage["ok"]) == (version, ok)

"""nuclei as a tool: the same findings as the embedded engine, within the scope, and every way it can end."""

from __future__ import annotations

import asyncio
import json
import pickle
import signal
import threading
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest

from rookery.base.config import Scan as Limits
from rookery.base.config import Templates
from rookery.base.errors import FatalError, TemporaryError
from rookery.demo import WeakServer
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.places import place_of
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.tools import ScanRunner, ToolJob, find
from rookery.domains.scans.tools.nuclei.command import environment, resolvers
from rookery.domains.templates import Selector
from rookery.domains.templates.places import SHIPPED
from rookery.domains.templates.sync import sync
from rookery.mechanisms.hooks import Error, Item, Progress, Warning_
from tests.domains.scans.tools import programs
from tests.domains.templates.files import check, write

ItemT = TypeVar("ItemT", bound=Item)
RESULT = {
    "template-id": "a-template",
    "info": {"name": "A name", "severity": "high"},
    "type": "http",
    "host": "127.0.0.1",
    "matched-at": "http://127.0.0.1:8000/x",
}
REDIRECTS = """
id: {name}
info: {{name: Redirects, author: rookery, severity: info}}
http:
  - method: GET
    path: ["{{{{BaseURL}}}}/{name}"]
    redirects: true
    matchers: [{{type: status, status: [200]}}]
"""


def run(
    tool: str, *endpoints: str, folder: Path | None = None, templates: tuple[Path, ...] = (), **limits: Any
) -> tuple[ScanRunner, list[Item]]:
    """A tool's runner, at its end, and its items."""
    settings = Limits(rate_limit=0.0, **limits)
    plan = ScanPlan(endpoints=endpoints or ("http://127.0.0.1:8000",), templates=templates)
    runner = find(tool).runner(ToolJob(plan=plan, limits=settings, folder=folder))
    return runner, list(runner)


def fake(tmp_path: Path, body: str, **limits: Any) -> tuple[ScanRunner, list[Item]]:
    """The same for a program in nuclei's place."""
    return run("nuclei", folder=tmp_path, nuclei_path=programs.script(tmp_path, body), **limits)


def of(items: list[Item], kind: type[ItemT]) -> list[ItemT]:
    return [item for item in items if isinstance(item, kind)]


def found(items: list[Item]) -> set[tuple[object, ...]]:
    """What makes a finding: template, matcher, place, and what follows from them. nuclei gives what one
    response yields in the order of a Go map, another at each run, so it is compared without its order."""
    return {
        (
            *(item.template_id, item.matcher, place_of(item.matched_at), item.fingerprint, item.target),
            *(item.name, item.severity, item.type, tuple(sorted(item.extracted)), tuple(item.tags)),
            *(item.description, item.remediation, tuple(item.reference), item.template_sha256),
        )
        for item in of(items, Vulnerability)
    }


def test_both_engines_find_the_same_with_the_same_templates(weak_server: WeakServer) -> None:
    """All templates that come with Rookery, on the weak server."""
    program = programs.nuclei()
    _, of_ours = run("embedded", weak_server.url)
    theirs, of_theirs = run("nuclei", weak_server.url, nuclei_path=program)
    assert theirs.summary is not None
    assert theirs.summary.status == "success", theirs.summary.messages
    assert len(found(of_ours)) > 40
    assert found(of_ours) == found(of_theirs)
    assert theirs.request_count > 0
    assert of(of_theirs, Progress)[-1].percent == 100
    assert all(before.percent < 100 for before in of(of_theirs, Progress)[:-1])


def test_nuclei_says_its_version_and_findings_do_too(weak_server: WeakServer) -> None:
    tool, limits = find("nuclei"), Limits(nuclei_path=programs.nuclei())
    answer = tool.available(limits)
    assert (answer.is_available, answer.reason, answer.instead) == (True, "", "")
    plan = ScanPlan(endpoints=(weak_server.url,), severity_levels=("high",))
    items = of(list(tool.runner(ToolJob(plan=plan, limits=limits))), Vulnerability)
    assert items
    assert {item.severity for item in items} == {"high"}
    assert {item.engine for item in items} == {f"nuclei {answer.version}"}


def test_it_runs_what_is_installed_and_keeps_to_the_policy_of_signatures(
    weak_server: WeakServer, data_dir: Path, tmp_path: Path
) -> None:
    program, plan = (
        programs.nuclei(),
        ScanPlan(endpoints=(weak_server.url,), selection=Selector(ids=("mine",))),
    )
    write(tmp_path, "set/mine.yaml", check(template_id="mine").replace("hello", "a"))
    sync(data_dir, tmp_path / "set")

    def seen(policy: Literal["run", "refuse"]) -> set[str]:
        limits, templates = Limits(nuclei_path=program), Templates(unsigned=policy)
        job = ToolJob(plan=plan, limits=limits, data_dir=data_dir, policy=templates)
        return {item.template_id for item in of(list(find("nuclei").runner(job)), Vulnerability)}

    assert seen("run") == {"mine"}
    assert seen("refuse") == set()


class Redirector:
    """A web server in a thread that sends whoever asks to the address in the path's table."""

    def __init__(self, places: dict[str, str]) -> None:
        self._places = places
        self.url = ""

    def __enter__(self) -> Redirector:
        self._ready, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await asyncio.to_thread(self._over.wait)
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        place = self._places.get(head.split()[1].decode(), "")
        status = f"302 Found\r\nLocation: {place}" if place else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


def test_a_redirect_out_of_the_scope_is_stopped_at_the_gate(tmp_path: Path) -> None:
    """192.0.2.1 is nobody's address; nothing is sent to it, and that it was asked for is said."""
    for name in ("inside", "outside"):
        (tmp_path / f"{name}.yaml").write_text(REDIRECTS.format(name=name))
    with Redirector({"/outside": "http://192.0.2.1:81/", "/inside": "/end"}) as server:
        _, items = run("nuclei", server.url, templates=(tmp_path,), nuclei_path=programs.nuclei(), retries=0)
    assert [item.template_id for item in of(items, Vulnerability)] == ["inside"]
    warnings = [item.message for item in of(items, Warning_)]
    assert warnings[0] == "nuclei was refused at the gate: 192.0.2.1:81 (192.0.2.1) is not in the scope"


def test_a_dead_host_is_an_error_that_names_it(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    runner, items = run("nuclei", url, nuclei_path=programs.nuclei(), retries=0)
    [error] = of(items, Error)
    assert error.message == f"{url} was not scanned: 127.0.0.1:{free_port}: the connection was refused"
    assert runner.unreached_count == 1


def test_no_template_that_nuclei_accepts_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("id: [")
    runner, items = run("nuclei", nuclei_path=programs.nuclei(), templates=(tmp_path / "broken.yaml",))
    assert isinstance(runner.failure, FatalError)
    assert [error.message for error in of(items, Error)] == [
        "nuclei accepts none of the templates for this scan"
    ]


def test_a_missing_program_is_said_with_what_helps_and_what_does_the_same() -> None:
    answer = find("nuclei").available(Limits(nuclei_path="/nowhere/nuclei"))
    assert answer.reason == "scan.nuclei_path is /nowhere/nuclei, which is not a program that can be run"
    assert answer.instead == "embedded"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("say('Nuclei Engine Version: v2.9.15')", "nuclei 2.9.15 is too old: version 3 or later is needed"),
        ("sys.exit(3)", "does not say its version (exit status 3)"),
        ("say('\\0\\xff' * 1_000_000)", "does not say its version (exit status 0)"),
    ],
)
def test_a_program_that_is_no_nuclei_is_not_available(tmp_path: Path, body: str, reason: str) -> None:
    answer = find("nuclei").available(Limits(nuclei_path=programs.script(tmp_path, body)))
    assert not answer.is_available
    assert answer.reason.endswith(reason)


def test_a_program_that_vanishes_is_fatal(tmp_path: Path) -> None:
    runner, items = run("nuclei", nuclei_path=str(tmp_path))
    assert isinstance(runner.failure, FatalError)
    assert len(of(items, Error)) == 1


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("os.kill(os.getpid(), 9)", TemporaryError, "was killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", TemporaryError, "ended by SIGSEGV"),
        ("print('panic: boom', file=sys.stderr); sys.exit(2)", TemporaryError, "crashed: panic: boom"),
        ("print('flag provided but not defined: -x', file=sys.stderr); sys.exit(2)", FatalError, "-x"),
        (
            "print('[FTL] Could not\\x1b[31m run', file=sys.stderr); sys.exit(1)",
            FatalError,
            "refused to start",
        ),
        ("sys.exit(1)", FatalError, "exited with 1"),
    ],
    ids=["killed", "crashed", "panicked", "flags", "fatal", "silent"],
)
def test_how_it_ended_says_whether_another_try_may_help(
    tmp_path: Path, body: str, kind: type[Exception], message: str
) -> None:
    runner, items = fake(tmp_path, f'say({json.dumps(RESULT)!r}); say(\'{{"template-id": "to\')\n{body}')
    assert isinstance(runner.failure, kind)
    assert message in str(runner.failure)
    assert runner.partial == (str(runner.failure) if kind is TemporaryError else "")
    assert len(of(items, Vulnerability)) == 1, "what it found until then is kept"
    [error] = of(items, Error)
    assert len(error.message.splitlines()) == 1
    assert len(error.message) < 400


def test_a_program_that_hangs_is_ended_and_what_it_found_is_kept(tmp_path: Path) -> None:
    """It goes on saying the same figures, and takes no notice of SIGINT and SIGTERM."""
    body = (
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"say({json.dumps(RESULT)!r})\n"
        "while True:\n"
        "    print(json.dumps({'requests': '7', 'total': '9'}), file=sys.stderr, flush=True); time.sleep(0.2)"
    )
    runner, items = fake(tmp_path, body, hang_timeout=2.0)
    assert isinstance(runner.failure, TemporaryError)
    assert "it hung, without a sign of work for 2 seconds" in str(runner.failure)
    assert runner.exit_code == -signal.SIGKILL
    assert len(of(items, Vulnerability)) == 1
    assert runner.request_count == 7


def test_work_that_goes_on_slowly_is_no_hang(tmp_path: Path) -> None:
    body = (
        "for number in range(20):\n"
        "    print(json.dumps({'requests': str(number), 'total': '9'}), file=sys.stderr, flush=True)\n"
        "    time.sleep(0.3)"
    )
    runner, items = fake(tmp_path, body, hang_timeout=4.0)
    assert runner.failure is None
    percents = [item.percent for item in of(items, Progress)]
    assert percents == sorted(percents)
    assert max(percents[:-1]) < percents[-1] == 100, "19 of 9 requests were not more than all"


def test_the_errors_that_nuclei_counts_are_said(tmp_path: Path) -> None:
    body = "print(json.dumps({'requests': '90', 'total': '90', 'errors': '3'}), file=sys.stderr)"
    _, items = fake(tmp_path, body)
    assert [item.message for item in of(items, Warning_)] == ["nuclei counts 3 errors in 90 requests"]


def test_hostile_output_is_bounded_and_costs_a_line_each(tmp_path: Path) -> None:
    """Megabytes in a line, bytes that are no text, escapes, torn JSON, figures that are none."""
    far = "http://127.0.0.1:8000/long"
    body = (
        f"say(json.dumps({{**{RESULT!r}, 'response': '<' * 6_000_000, 'matched-at': {far!r}}}))\n"
        "out, err = sys.stdout.buffer, sys.stderr.buffer\n"
        "out.write(b'\\xff\\xfe\\0\\x1b[31m\\n' + b'{' * 9_000_000 + b'\\n'); out.flush()\n"
        "err.write(b'{' * 3_000_000 + b'\\n' + b'{\"requests\": \"-1e999\", \"total\": [1]}\\n')\n"
        f'say({json.dumps(RESULT)!r}); sys.stdout.write(\'{{"template-id": "to\')'
    )
    runner, items = fake(tmp_path, body)
    assert runner.failure is None
    assert {item.matched_at for item in of(items, Vulnerability)} == {
        far,
        RESULT["matched-at"],
    }
    assert max(len(item.response) for item in of(items, Vulnerability)) < 40_000
    warnings = [item.message for item in of(items, Warning_)]
    assert len(warnings) == 4, warnings
    assert sum("longer than" in warning for warning in warnings) == 1
    assert all(len(warning) < 300 and len(warning.splitlines()) == 1 for warning in warnings)
    assert runner.request_count == 0


def test_a_flood_of_nonsense_is_said_a_few_times(tmp_path: Path) -> None:
    runner, items = fake(tmp_path, "for _ in range(5_000): print('nonsense')")
    assert len(of(items, Warning_)) == 20
    assert runner.failure is None


def test_a_result_about_a_stranger_is_left_out(tmp_path: Path) -> None:
    lies = [
        {**RESULT, "matched-at": "http://192.0.2.1/x", "host": "192.0.2.1"},
        {**RESULT, "url": "http://192.0.2.1/x"},
        {**RESULT, "type": "tcp", "host": "192.0.2.1", "matched-at": "192.0.2.1:22"},
    ]
    _, items = fake(tmp_path, f"for lie in {lies!r}: say(json.dumps(lie))")
    assert of(items, Vulnerability) == []
    [warning] = of(items, Warning_)
    assert warning.message == "nuclei reports on 192.0.2.1, which is not in the scope: left out"


def test_what_did_not_match_is_no_finding(tmp_path: Path) -> None:
    _, items = fake(tmp_path, f"say(json.dumps({{**{RESULT!r}, 'matcher-status': False}}))")
    assert of(items, Vulnerability) == []


def test_nothing_of_the_users_nuclei_reaches_it(tmp_path: Path) -> None:
    """Neither settings nor credentials nor a proxy; it writes into a folder that is gone afterwards."""
    outer = {"PATH": "/bin", "HOME": "/home/me", "PDCP_API_KEY": "x", "HTTP_PROXY": "x", "NUCLEI_ARGS": "x"}
    inner = environment("/run/1", outer)
    assert "x" not in inner.values()
    assert {value for name, value in inner.items() if name.endswith(("HOME", "DIR"))} == {
        "/run/1",
        *(f"/run/1/{name}" for name in ("config", "cache", "nuclei", "templates")),
    }
    log = tmp_path / "seen.json"
    body = f"open({str(log)!r}, 'w').write(json.dumps([os.getcwd(), sorted(os.listdir('.')), sys.argv]))"
    fake(tmp_path, body)
    folder, files, argv = json.loads(log.read_text())
    assert not Path(folder).exists()
    assert files == ["nuclei", "resolvers.txt", "targets.txt", "templates.txt"]
    assert argv[-2] == "-proxy"
    assert argv[-1].startswith("socks5://127.0.0.1:")
    assert {"-no-interactsh", "-disable-update-check", "-jsonl", "-disable-clustering", "-no-mhe"} <= set(
        argv
    )


def test_names_are_looked_up_where_it_is_configured_or_where_this_machine_does(tmp_path: Path) -> None:
    """nuclei's own default is to ask public resolvers about its targets."""
    file = tmp_path / "resolv.conf"
    file.write_text("# comment\nnameserver 127.0.0.53\nsearch lan\nnameserver ::1\nnameserver\n")
    assert resolvers(system=file) == ["127.0.0.53:53", "[::1]:53"]
    assert resolvers(system=tmp_path / "nothing") == ["127.0.0.1:53"]
    configured = ["192.0.2.1", "192.0.2.2:5353", "::1", "[::1]:5353"]
    assert resolvers(configured, file) == ["192.0.2.1:53", "192.0.2.2:5353", "[::1]:53", "[::1]:5353"]


def test_a_runner_can_be_pickled_before_and_after_its_run(tmp_path: Path) -> None:
    program = programs.script(tmp_path, "pass")
    plan = ScanPlan(endpoints=("http://127.0.0.1:8000",))
    runner = find("nuclei").runner(ToolJob(plan=plan, limits=Limits(nuclei_path=program)))
    copy = pickle.loads(pickle.dumps(runner))  # noqa: S301 -- our own
    assert copy.run().status == "success"
    assert pickle.loads(pickle.dumps(copy)).summary == copy.summary  # noqa: S301


def test_a_dry_run_says_what_would_run_and_leaves_nothing(tmp_path: Path) -> None:
    program = programs.script(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')")
    plan = ScanPlan(endpoints=("http://127.0.0.1:8000",))
    runner = find("nuclei").runner(ToolJob(plan=plan, limits=Limits(nuclei_path=program)), dry_run=True)
    messages = [getattr(item, "message", "") for item in runner]
    assert any(message.startswith(f"would run {program} -list targets.txt") for message in messages)
    assert [path.name for path in tmp_path.iterdir()] == ["nuclei"]


SELECTIONS = [
    {"tags": ("git",)},
    {"ids": ("git-config-exposed", "env-*")},
    {"severities": ("critical", "high"), "exclude_ids": ("env-file-exposed",)},
    {"exclude_severities": ("info", "low", "medium"), "authors": ("rookery",)},
    {"protocols": ("http",), "exclude_tags": ("misconfig", "exposure")},
    {"exclude_templates": (SHIPPED / "http" / "git-config-exposed.yaml",), "tags": ("git", "svn")},
]


@pytest.mark.parametrize("words", SELECTIONS, ids="-".join)
def test_both_engines_select_the_same_templates(weak_server: WeakServer, words: dict[str, Any]) -> None:
    program = programs.nuclei()
    found_by = {}
    for name in ("embedded", "nuclei"):
        plan = ScanPlan(endpoints=(weak_server.url,), selection=Selector(**words))
        job = ToolJob(plan=plan, limits=Limits(rate_limit=0.0, nuclei_path=program))
        found_by[name] = {item.template_id for item in of(list(find(name).runner(job)), Vulnerability)}
    assert found_by["embedded"] == found_by["nuclei"]
    assert 0 < len(found_by["nuclei"]) < 40

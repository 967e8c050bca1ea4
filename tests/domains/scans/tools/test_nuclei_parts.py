"""nuclei is started for some targets at a time, with no more memory than it may have."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import rookery
from rookery.base import config
from rookery.domains.scans.errors import ToolStopped
from rookery.domains.scans.plan import ScanPlan, ScanResult
from rookery.domains.scans.tools import ScanRunner, ToolJob, find
from rookery.domains.scans.tools.nuclei.command import environment
from rookery.domains.scans.tools.nuclei.endings import failure
from rookery.domains.scans.tools.nuclei.parts import split
from rookery.mechanisms.hooks import Error, Item, Progress, Warning_
from tests.domains.scans.tools import programs
from tests.domains.scans.tools.listeners import Listener
from tests.workers import ended, working

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
CHECKS = 6


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """Templates that ask one thing each, and find it."""
    folder = tmp_path / "checks"
    folder.mkdir()
    for number in range(CHECKS):
        write(folder, f"check-{number}", f"http:\n  - path: ['{{{{BaseURL}}}}/{number}']\n    method: GET")
    return folder


def write(folder: Path, name: str, requests: str) -> None:
    head = f"id: {name}\ninfo: {{name: N, author: rookery, severity: low}}\n"
    (folder / f"{name}.yaml").write_text(
        f"{head}{requests}\n    matchers: [{{type: word, words: [hello]}}]\n"
    )


def counted(folder: Path, first: str = "", then: str = "") -> tuple[str, Path]:
    """nuclei that counts its starts, and does something else at the first, or at those `then`; and the count,
    a line each: the targets it was given."""
    starts, real = folder / "starts", programs.nuclei()
    body = (
        f"if '-version' not in sys.argv:\n"
        f"    with open({str(starts)!r}, 'a') as file:\n"
        f"        file.write(json.dumps(open('targets.txt').read().split()) + '\\n')\n"
        f"    number = len(open({str(starts)!r}).readlines())\n"
        f"    if number == 1: {first or 'pass'}\n"
        f"    if number == 2: {then or 'pass'}\n"
        f"os.execv({real!r}, [{real!r}, *sys.argv[1:]])"
    )
    return programs.script(folder, body), starts


def given(starts: Path) -> list[list[str]]:
    return [json.loads(line) for line in starts.read_text().splitlines()]


def opened(url: str, data_dir: Path, program: str, **limits: Any) -> rookery.Rook:
    scan = config.Scan(nuclei_path=program, rate_limit=0.0, retries=0, timeout=3.0, **limits)
    return rookery.open(config=config.Config(data_dir=data_dir, database=config.Database(url=url), scan=scan))


def submit(rook: rookery.Rook, templates: Path, endpoints: Iterable[str]) -> ScanResult:
    return rook.scans.submit_scan(
        ScanPlan(endpoints=tuple(endpoints), templates=(templates,), engine="nuclei")
    )


def run(endpoints: Iterable[str], templates: Path, **limits: Any) -> tuple[ScanRunner, list[Item]]:
    settings = config.Scan(rate_limit=0.0, retries=0, **limits)
    plan = ScanPlan(endpoints=tuple(endpoints), templates=(templates,))
    runner = find("nuclei").runner(ToolJob(plan=plan, limits=settings))
    return runner, list(runner)


def urls(port: int) -> list[str]:
    return [f"http://{host}:{port}" for host in HOSTS]


class Servers:
    """One on each of HOSTS, at the same port."""

    def __enter__(self) -> Servers:
        self._stack = ExitStack()
        first = self._stack.enter_context(Listener())
        others = [self._stack.enter_context(Listener(host, port=first.port)) for host in HOSTS[1:]]
        self._all, self.urls = (first, *others), urls(first.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def asked(self) -> int:
        """How many requests they had."""
        return sum(len(server.heard) for server in self._all)


# --- targets


@pytest.mark.parametrize(
    ("targets", "most", "sizes"),
    [(0, 3, []), (3, 3, [3]), (4, 3, [2, 2]), (101, 100, [51, 50]), (5, 1, [1] * 5), (7, 3, [3, 3, 1])],
)
def test_no_part_has_more_targets_than_it_may_nor_many_fewer_than_others(
    targets: int, most: int, sizes: list[int]
) -> None:
    endpoints = [f"http://h{number}" for number in range(targets)]
    parts = list(split(endpoints, most))
    assert [len(part) for part in parts] == sizes
    assert [each for part in parts for each in part] == endpoints


def test_endpoints_that_differ_by_query_alone_stay_together() -> None:
    """They are one target, on which a check is done when it is on all of them."""
    urls = ["http://h/a?1", "http://g/", "http://h/a?2", "http://f/", "http://h/a?3"]
    assert list(split(urls, 2)) == [
        ("http://h/a?1", "http://h/a?2", "http://h/a?3"),
        ("http://g/", "http://f/"),
    ]


def test_many_targets_are_scanned_by_several_nuclei_and_are_one_run(
    sqlite_url: str, data_dir: Path, tmp_path: Path, checks: Path
) -> None:
    program, starts = counted(tmp_path)
    with opened(sqlite_url, data_dir, program, nuclei_targets=2) as rook, Servers() as servers:
        result = submit(rook, checks, servers.urls)
        found = {(each.template_id, each.host) for each in rook.findings.list(limit=100)}
    assert [len(each) for each in given(starts)] == [2, 2, 1]
    assert result.success
    assert result.coverage == {"ok": 5 * CHECKS, "error": 0, "skipped": 0}
    assert (result.template_count, result.finding_count, len(found)) == (CHECKS, 5 * CHECKS, 5 * CHECKS)
    assert result.request_count == servers.asked == 5 * CHECKS


def test_progress_and_what_is_counted_go_on_across_them(tmp_path: Path, checks: Path) -> None:
    body = (
        "print(json.dumps({'requests': '7', 'total': '7', 'errors': '1', 'templates': '6'}), file=sys.stderr)"
    )
    program = programs.script(tmp_path, body)
    runner, items = run(urls(9), checks, nuclei_path=program, nuclei_targets=1)
    progress = [item for item in items if isinstance(item, Progress)]
    assert [round(item.percent) for item in progress] == [20, 40, 60, 80, 100, 100]
    assert all(item.percent < 100 for item in progress[:-1])
    assert [item.detail for item in progress[::4]] == ["7 of about 35 requests", "35 of about 35 requests"]
    assert (runner.request_count, runner.template_count) == (35, 6)
    said = [item.message for item in items if isinstance(item, Warning_)]
    assert said == ["nuclei counts 5 errors in 35 requests"]


def test_one_that_is_killed_ends_the_run_which_goes_on_with_what_is_left(
    sqlite_url: str, data_dir: Path, tmp_path: Path, checks: Path
) -> None:
    program, starts = counted(tmp_path, then="os.kill(os.getpid(), 9)")
    with opened(sqlite_url, data_dir, program, nuclei_targets=2) as rook, Servers() as servers:
        broken = submit(rook, checks, servers.urls)
        assert rook.scans.run(broken.run_id).status == "partial"
        assert broken.coverage == {"ok": 2 * CHECKS, "error": 0, "skipped": 0}
        assert broken.finding_count == 2 * CHECKS
        whole = rook.scans.resume_scan(broken.run_id)
    assert whole.coverage == {"ok": 5 * CHECKS, "error": 0, "skipped": 0}
    assert whole.finding_count == 5 * CHECKS
    first, killed, *rest = given(starts)
    assert [len(each) for each in (first, killed)] == [2, 2]
    assert {each for part in rest for each in part} == {*servers.urls} - {*first}
    assert servers.asked == 5 * CHECKS, "what was done was not done again"


def test_one_that_refuses_to_start_after_others_leaves_what_they_did(
    sqlite_url: str, data_dir: Path, tmp_path: Path, checks: Path
) -> None:
    program, _ = counted(tmp_path, then="sys.exit('[FTL] no space left on device')")
    with opened(sqlite_url, data_dir, program, nuclei_targets=4) as rook, Servers() as servers:
        broken = submit(rook, checks, servers.urls)
        assert rook.scans.run(broken.run_id).status == "partial"
    assert broken.error == "nuclei refused to start: no space left on device"
    assert broken.coverage["ok"] == 3 * CHECKS


def test_who_was_given_up_is_asked_by_none_that_comes_after(
    sqlite_url: str, data_dir: Path, tmp_path: Path, checks: Path, free_port: int
) -> None:
    """One endpoint answers, and five of a dead host are in three parts: the first of them finds that out."""
    for number in range(30):
        write(checks, f"more-{number}", f"http:\n  - path: ['{{{{BaseURL}}}}/{number}']\n    method: GET")
    program, starts = counted(tmp_path)
    with opened(sqlite_url, data_dir, program, nuclei_targets=2) as rook, Listener() as server:
        dead = [f"http://127.0.0.1:{free_port}/{number}" for number in range(5)]
        result = submit(rook, checks, [*dead, server.url])
    assert given(starts)[-1] == [server.url]
    assert [each for part in given(starts)[1:] for each in part] == [server.url]
    assert result.coverage["ok"] == CHECKS + 30
    assert result.coverage["error"] + result.coverage["skipped"] == 5 * (CHECKS + 30)
    assert result.unreached_count == 5


def test_where_only_what_nuclei_does_not_accept_is_left_the_others_go_on(
    sqlite_url: str, data_dir: Path, tmp_path: Path, checks: Path
) -> None:
    """A template that it cannot compile is left of the first part for ever."""
    write(checks, "strange", "http:\n  - path: ['{{BaseURL}}/{{nothing(1)}}']\n    method: NONSENSE")
    program, starts = counted(tmp_path, then="os.kill(os.getpid(), 9)")
    with opened(sqlite_url, data_dir, program, nuclei_targets=3) as rook, Servers() as servers:
        broken = submit(rook, checks, servers.urls)
        assert broken.coverage["ok"] == 3 * CHECKS
        whole = rook.scans.resume_scan(broken.run_id)
    assert whole.coverage["ok"] == 5 * CHECKS
    assert whole.success
    assert [len(each) for each in given(starts)] == [3, 2, 3, 2]


# --- memory


def test_it_is_told_of_less_than_it_may_have() -> None:
    assert environment("/run/1", {}, memory=4096)["GOMEMLIMIT"] == "3072MiB"
    assert "GOMEMLIMIT" not in environment("/run/1", {"GOMEMLIMIT": "1MiB"})


def test_with_too_little_memory_it_dies_which_says_what_helps_and_then_goes_on(
    sqlite_url: str, data_dir: Path, checks: Path
) -> None:
    """nuclei itself, in a third of what it needs at the least."""
    program = programs.nuclei()
    with Servers() as servers:
        with opened(sqlite_url, data_dir, program, nuclei_memory=64) as rook:
            broken = submit(rook, checks, servers.urls)
            assert rook.scans.run(broken.run_id).status == "partial"
            assert broken.error == (
                "nuclei ran out of memory, with the 64 MB of scan.nuclei_memory; what it found is kept. "
                "Raise that, or take fewer templates, or a lower scan.concurrency or scan.nuclei_targets"
            )
        with opened(sqlite_url, data_dir, program) as rook:
            whole = rook.scans.resume_scan(broken.run_id)
    assert whole.coverage == {"ok": 5 * CHECKS, "error": 0, "skipped": 0}


@pytest.mark.parametrize(
    "said",
    [
        "fatal error: runtime: out of memory",
        "fatal error: runtime: cannot allocate memory",
        "fatal error: out of memory allocating heap arena map",
        "runtime/cgo: malloc failed: Cannot allocate memory",
        "runtime/cgo: pthread_create failed: Resource temporarily unavailable",
    ],
)
def test_however_go_says_so_and_however_much_it_says_then(tmp_path: Path, checks: Path, said: str) -> None:
    body = (
        f"print({said!r}, file=sys.stderr)\n"
        "for number in range(500): print(f'goroutine {number} [running]:', file=sys.stderr)\n"
        "sys.exit(2)"
    )
    program = programs.script(tmp_path, body)
    runner, items = run(urls(9), checks, nuclei_path=program, nuclei_memory=77)
    assert isinstance(runner.failure, ToolStopped)
    assert "ran out of memory, with the 77 MB of scan.nuclei_memory" in str(runner.failure)
    assert runner.partial == str(runner.failure)
    assert [item.message for item in items if isinstance(item, Error)] == [runner.partial]


def test_without_a_limit_it_was_the_machines() -> None:
    said = str(failure(2, [], "", crash="fatal error: runtime: out of memory"))
    assert "with all that this machine has" in said
    assert "Take fewer templates" in said


def test_a_scan_by_a_worker_goes_on_with_what_is_left_when_memory_ran_out(
    sqlite_url: str, data_dir: Path, tmp_path: Path, checks: Path
) -> None:
    """The second start runs out; the next attempt of the task does what is left."""
    crash = "sys.stderr.write('fatal error: runtime: out of memory\\n'); sys.exit(2)"
    program, starts = counted(tmp_path, then=f"({crash.replace('; ', ', ')})")
    with opened(sqlite_url, data_dir, program, nuclei_targets=3) as rook, Servers() as servers:
        plan = ScanPlan(endpoints=tuple(servers.urls), templates=(checks,), engine="nuclei")
        task_id = rook.scans.submit_scan_async(plan)
        with working(rook):
            task = ended(rook, task_id)
    assert (str(task.status), task.attempts) == ("completed", 2)
    assert task.result["coverage"]["ok"] == 5 * CHECKS
    first, starved, rest = given(starts)
    assert (len(first), starved) == (3, rest)
    assert servers.asked == 5 * CHECKS

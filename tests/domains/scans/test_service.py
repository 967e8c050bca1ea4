"""Running a plan, in both worlds and on both databases."""

from __future__ import annotations

import asyncio
import pickle
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import rookery
from rookery.base import config
from rookery.base.errors import NotFound
from rookery.demo import WeakServer
from rookery.domains.findings import store as findings
from rookery.domains.findings.items import Vulnerability
from rookery.domains.findings.rules import State
from rookery.domains.findings.service import triage
from rookery.domains.scans import service, store
from rookery.domains.scans.errors import (
    AlreadyInScope,
    BadTarget,
    NothingToScan,
    NotInScope,
    RunExists,
    TargetOutOfScope,
)
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.runner import TemplateRunner
from rookery.mechanisms.hooks import Item, Warning_, hooks_from
from tests.conftest import Call
from tests.mechanisms.transport.hostile import serving


def plan(*endpoints: str, **different: Any) -> ScanPlan:
    return ScanPlan(endpoints=endpoints, rate_limit=0.0, **different)


def audited(call: Call) -> list[tuple[str, str]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(entry.event_type, entry.actor) for entry in reversed(call.rook.audit.list())]


def test_a_scan_returns_when_its_findings_are_stored(call: Call, weak_server: WeakServer) -> None:
    result = call(service.submit_scan, plan(weak_server.url))
    assert (result.success, result.endpoint_count, result.error_count) == (True, 1, 0)
    assert result.finding_count == call(findings.count, run_id=result.run_id) > 30
    assert sum(result.severities.values()) == result.finding_count


def test_a_scan_is_a_row_that_says_who_ran_it_and_what_came_of_it(
    call: Call, weak_server: WeakServer
) -> None:
    result = call(service.submit_scan, plan(weak_server.url))
    [run] = call(store.runs)
    assert (run.id, run.actor, run.status) == (result.run_id, "tester", "completed")
    assert run.finished_us > run.started_us
    assert f'"findings":{result.finding_count}' in run.counts


def test_a_plan_can_be_run_again_unless_it_has_the_id_of_a_run(call: Call, weak_server: WeakServer) -> None:
    again = plan(weak_server.url, severity_levels=("critical",))
    assert call(service.submit_scan, again).run_id != call(service.submit_scan, again).run_id
    once = plan(weak_server.url, severity_levels=("critical",), run_id="nightly-1")
    assert call(service.submit_scan, once).run_id == "nightly-1"
    with pytest.raises(RunExists):
        call(service.submit_scan, once)


def test_who_ran_it_is_in_the_audit_log(call: Call, weak_server: WeakServer) -> None:
    call(service.submit_scan, plan(weak_server.url))
    assert audited(call) == [
        *[(event, "tester") for event in ("scan.started", "findings.appeared", "scan.finished")],
    ]


def test_a_stranger_is_refused_before_anything_is_sent_and_the_refusal_is_audited(call: Call) -> None:
    with pytest.raises(TargetOutOfScope, match=r"rookery scope add 192\.0\.2\.1$"):
        call(service.submit_scan, plan("127.0.0.1:9", "http://192.0.2.1/"))
    assert audited(call) == [("scan.refused", "tester")]
    assert call(store.runs) == []


def test_a_name_is_not_even_resolved_unless_it_is_in_the_scope(call: Call) -> None:
    with pytest.raises(TargetOutOfScope):
        call(service.submit_scan, plan("http://intranet.example/"))


def test_what_is_added_to_the_scope_is_audited_and_can_be_taken_back(call: Call) -> None:
    call(service.add_to_scope, "192.0.2.0/24")
    with pytest.raises(AlreadyInScope):
        call(service.add_to_scope, "192.0.2.0/24")
    assert [row.entry for row in call(store.scope_entries)] == ["192.0.2.0/24"]
    call(service.remove_from_scope, "192.0.2.0/24")
    with pytest.raises(NotInScope):
        call(service.remove_from_scope, "192.0.2.0/24")
    assert [event for event, _ in audited(call)] == ["scope.added", "scope.removed"]


ANYTHING = """
id: anything
info: {{name: {name}, author: a, severity: low}}
http: [{{path: ['{{{{BaseURL}}}}/'], matchers: [{{type: status, status: [200]}}]}}]
"""


def test_what_is_dismissed_is_to_be_looked_at_again_when_its_template_changes(
    call: Call, weak_server: WeakServer, tmp_path: Path
) -> None:
    template = tmp_path / "anything.yaml"

    def scanned(name: str) -> bool:
        template.write_text(ANYTHING.format(name=name))
        call(service.submit_scan, plan(weak_server.url, templates=(template,)))
        [finding] = call(findings.list_)
        return bool(finding.needs_review)

    scanned("n")
    call(triage, "template:anything", State.FALSE_POSITIVE, reason="a lab")
    assert not scanned("n")
    assert scanned("another")


def test_a_plan_without_a_target_is_refused(call: Call) -> None:
    with pytest.raises(BadTarget):
        call(service.submit_scan, plan())


def test_a_scan_that_reached_no_target_was_no_success(call: Call, free_port: int) -> None:
    result = call(service.submit_scan, plan(f"127.0.0.1:{free_port}"))
    assert (result.success, result.error) == (False, "No target gave an answer.")


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1/", "http://u:p@127.0.0.1/", ""])
def test_a_bad_target_is_refused(call: Call, endpoint: str) -> None:
    with pytest.raises(BadTarget):
        call(service.submit_scan, plan(endpoint))


def test_templates_that_are_not_there_are_an_error(call: Call, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        call(service.submit_scan, plan("127.0.0.1:9", templates=(tmp_path / "none",)))


def test_a_selection_without_templates_is_an_error_that_says_why(call: Call) -> None:
    with pytest.raises(NothingToScan, match="severity"):
        call(service.submit_scan, plan("127.0.0.1:9", severity_levels=("unknown",)))


def test_a_target_that_does_not_answer_is_an_error_of_the_run_and_not_its_end(
    call: Call, weak_server: WeakServer, free_port: int
) -> None:
    result = call(service.submit_scan, plan(f"127.0.0.1:{free_port}", weak_server.url))
    assert (result.success, result.unreached_count, result.error_count) == (True, 1, 1)
    assert "refused" in result.errors[0]
    assert result.finding_count > 30
    assert "refused" in call(store.runs)[0].errors


def test_hooks_of_the_caller_hear_what_is_stored(call: Call, weak_server: WeakServer) -> None:
    heard: list[str] = []

    def hear(_runner: object, item: Item) -> None:
        heard.append(item._type)

    result = call(service.submit_scan, plan(weak_server.url), hooks=hooks_from({"on_item": hear}))
    assert heard.count("vulnerability") == result.finding_count
    assert "progress" in heard


HOUSE_HOOKS = """
from rookery.mechanisms.hooks import DROP

ASYNC_HOOKS = {"keep"}
HOOKS = {"on_item": []}

def on_item(runner, item):
    if item._type == "vulnerability" and item.template_id != "git-config-exposed":
        return DROP

def keep(runner, items):
    with open(HEARD, "a") as file:
        file.writelines(f"{item.template_id}\\n" for item in items if item._type == "vulnerability")

HOOKS["on_item"].append(keep)
"""


@pytest.fixture
def house_hooks(tmp_path: Path) -> Path:
    """A hook module that drops all but one kind of finding, and notes in heard.txt what comes after that."""
    module = tmp_path / "house_hooks.py"
    module.write_text(HOUSE_HOOKS.replace("HEARD", repr(str(tmp_path / "heard.txt"))))
    return module


def test_configured_hooks_may_drop_what_is_found(
    sqlite_url: str, data_dir: Path, house_hooks: Path, weak_server: WeakServer
) -> None:
    hooks = config.Hooks(modules=(str(house_hooks),))
    settings = config.Config(data_dir=data_dir, database=config.Database(url=sqlite_url), hooks=hooks)
    with rookery.open(config=settings) as rook:
        result = rook.scans.submit_scan(plan(weak_server.url))
        [finding] = rook.findings.list()
    assert (result.finding_count, finding.template_id) == (1, "git-config-exposed")
    assert house_hooks.with_name("heard.txt").read_text() == "git-config-exposed\n"


def test_a_runner_can_be_pickled_before_and_after_its_templates_are_read(weak_server: WeakServer) -> None:
    runner = TemplateRunner(plan(weak_server.url), (), config.Scan(rate_limit=0.0))
    assert len(runner.selection.templates) > 30
    copy = pickle.loads(pickle.dumps(runner))  # noqa: S301  our own bytes
    assert (copy.run_id, copy.targets) == (runner.run_id, runner.targets)
    summary = copy.run()
    assert (summary.status, summary.errors) == ("success", 0)


def test_a_scan_says_what_the_hosts_wishes_cost_it() -> None:
    asked: list[bytes] = []

    async def busy_at_first(head: bytes, writer: asyncio.StreamWriter) -> None:
        asked.append(head)
        busy = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" if asked[1:] else busy)

    def warn(_runner: object, item: Item) -> None:
        if isinstance(item, Warning_):
            warnings.append(item.message)

    warnings: list[str] = []

    async def work() -> None:
        async with serving(busy_at_first) as port:
            scan = plan(f"http://127.0.0.1:{port}")
            runner = TemplateRunner(
                scan, (), config.Scan(rate_limit=0.0), hooks=hooks_from({"on_item": warn})
            )
            await asyncio.to_thread(runner.run)

    with asyncio.Runner() as loop:
        loop.run(work())
    assert "requests sent again: 1; pauses that hosts asked for: 1" in warnings


def test_a_cancelled_scan_keeps_what_it_found_and_says_that_it_was_interrupted(
    sqlite_url: str, data_dir: Path, weak_server: WeakServer
) -> None:
    seen = threading.Event()

    def see(_runner: object, item: Item) -> None:
        if isinstance(item, Vulnerability):
            seen.set()

    async def cancelled() -> None:
        settings = config.Config(data_dir=data_dir, database=config.Database(url=sqlite_url))
        async with rookery.aopen(config=settings) as rook:
            slow = ScanPlan(endpoints=(weak_server.url,), rate_limit=8.0)
            scan = asyncio.create_task(rook.scans.submit_scan(slow, hooks=hooks_from({"on_item": see})))
            await asyncio.to_thread(seen.wait)
            scan.cancel()
            with pytest.raises(asyncio.CancelledError):
                await scan
            [run] = await rook.scans.runs()
            assert run.status == "interrupted"
            assert await rook.findings.count() > 0

    with asyncio.Runner() as runner:
        runner.run(cancelled())


def test_who_does_not_wait_for_the_end_of_an_interrupted_scan_has_interrupted_it_all_the_same(
    sqlite_url: str, data_dir: Path, weak_server: WeakServer
) -> None:
    """Ctrl-C twice: the second one comes while the runner still winds up."""
    main_thread, is_over = threading.get_ident(), threading.Event()
    presses = iter([signal.SIGINT])

    def press(_runner: object, _item: Item) -> None:
        for number in presses:
            signal.pthread_kill(main_thread, number)

    def press_again(_runner: object) -> None:
        signal.pthread_kill(main_thread, signal.SIGINT)
        is_over.wait()

    settings = config.Config(data_dir=data_dir, database=config.Database(url=sqlite_url))
    with rookery.open(config=settings) as rook:
        slow = ScanPlan(endpoints=(weak_server.url,), rate_limit=8.0)
        hooks = hooks_from({"on_item": press, "on_end": press_again})
        with pytest.raises(KeyboardInterrupt):
            rook.scans.submit_scan(slow, hooks=hooks)
        [run] = rook.scans.runs()
        is_over.set()
    assert (run.status, run.trouble) == ("interrupted", "The run was interrupted.")


def test_a_random_path_is_the_same_finding_every_time(
    call: Call, weak_server: WeakServer, tmp_path: Path
) -> None:
    template = tmp_path / "chance.yaml"
    template.write_text(
        "id: chance\ninfo: {name: Any path, author: a, severity: info}\n"
        "http:\n- method: GET\n  path: ['{{BaseURL}}/{{randstr}}/{{randstr_2}}']\n"
        "  matchers:\n  - {type: status, status: [404, 200, 500]}\n"
    )
    for _ in range(2):
        assert call(service.submit_scan, plan(weak_server.url, templates=(template,))).finding_count == 1
    assert call(findings.count) == 1

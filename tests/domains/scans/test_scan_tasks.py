"""Scans as tasks: submitted once, run by a worker in the submitter's name, gone on with after its death."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from rookery import app
from rookery.base.config import Config, Database, Queue, encode_config
from rookery.demo import WeakServer
from rookery.domains.findings import store as findings
from rookery.domains.scans import service, store
from rookery.domains.scans.errors import (
    NothingToResume,
    RunExists,
    RunNotFound,
    ScanFailed,
    TargetOutOfScope,
)
from rookery.domains.scans.plan import ScanPlan, ScanResult
from rookery.domains.scans.service.submitting import run_plan
from rookery.mechanisms.hooks import Item, hooks_from
from rookery.mechanisms.tasks import artifacts
from rookery.mechanisms.tasks.context import TaskContext
from rookery.mechanisms.tasks.errors import LeaseLost
from rookery.mechanisms.tasks.rules import TaskStatus
from tests.conftest import Call
from tests.domains.scans.tools.plugins import install
from tests.patience import PATIENCE, wait_for
from tests.workers import ended, until, worker_process, working

CHECKS = 40


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """Forty templates that each find something, with one request each."""
    folder = tmp_path / "checks"
    folder.mkdir()
    for number in range(CHECKS):
        (folder / f"{number:02}.yaml").write_text(
            f"id: check-{number:02}\ninfo: {{name: c, author: a, severity: info}}\n"
            f"http:\n- method: GET\n  path: ['{{{{BaseURL}}}}/{number}']\n"
            "  matchers:\n  - {type: status, status: [200, 404]}\n"
        )
    return folder


@dataclass
class House:
    """A Rook, and a plan whose scan takes some seconds, or one that takes none."""

    rook: app.Rook
    slow: ScanPlan
    quick: ScanPlan


@pytest.fixture
def house(sqlite_rook: app.Rook, weak_server: WeakServer, checks: Path) -> House:
    slow = ScanPlan(endpoints=(weak_server.url,), templates=(checks,), rate_limit=8.0, concurrency=2)
    return House(sqlite_rook, slow, replace(slow, rate_limit=0.0))


def audited(rook: app.Rook) -> list[tuple[str, str]]:
    rook.audit.service.flush()
    return [(entry.event_type, entry.actor) for entry in reversed(rook.audit.list())]


def is_under_way(task: Any) -> bool:
    return bool(task.done and task.done >= 5)


# --- the pair


def test_a_scan_left_to_a_worker_is_done_by_it_in_the_name_of_who_submitted_it(
    call: Call, weak_server: WeakServer, checks: Path
) -> None:
    plan = ScanPlan(endpoints=(weak_server.url,), templates=(checks,), rate_limit=0.0, priority=2)
    task_id = call(service.submit_scan_async, plan)
    waiting = call.rook.tasks.get_task(task_id)
    assert (waiting.status, waiting.priority, waiting.type) == (TaskStatus.PENDING, 2, "scans.run")
    assert call(service.get_scan_result, task_id) is None
    with working(call.rook):
        assert ended(call.rook, task_id).status is TaskStatus.COMPLETED
    result = call(service.get_scan_result, task_id)
    assert (result.run_id, result.success, result.finding_count) == (task_id, True, CHECKS)
    assert call(findings.count, run_id=result.run_id) == CHECKS
    assert audited(call.rook) == [
        ("task.submitted", "tester"), ("scan.started", "tester"), ("findings.appeared", "tester"),
        ("scan.finished", "tester"),
    ]  # fmt: skip


def test_what_came_of_a_scan_is_what_submit_scan_returned(call: Call, weak_server: WeakServer) -> None:
    result = call(service.submit_scan, ScanPlan(endpoints=(weak_server.url,), rate_limit=0.0))
    assert call(service.get_scan_result, result.run_id) == result


def test_of_what_is_no_run_and_no_task_there_is_no_result(call: Call) -> None:
    with pytest.raises(RunNotFound):
        call(service.get_scan_result, "019a0000-0000")


def test_without_the_queue_the_scan_is_done_when_its_id_is_returned(
    sqlite_url: str, data_dir: Path, weak_server: WeakServer, checks: Path
) -> None:
    with app.open(config=Config(data_dir=data_dir, queue=Queue(enabled=False))) as rook:
        plan = ScanPlan(endpoints=(weak_server.url,), templates=(checks,), rate_limit=0.0, run_id="now")
        assert rook.scans.submit_scan_async(plan) == "now"
        result = rook.scans.get_scan_result("now")
        assert result is not None
        assert (result.success, result.finding_count) == (True, CHECKS)
        assert rook.tasks.list() == []


def test_with_the_inline_backend_the_task_has_ended_when_its_id_is_returned(
    sqlite_url: str, data_dir: Path, weak_server: WeakServer, checks: Path
) -> None:
    with app.open(config=Config(data_dir=data_dir, queue=Queue(backend="inline"))) as rook:
        plan = ScanPlan(endpoints=(weak_server.url,), templates=(checks,), rate_limit=0.0)
        task = rook.tasks.get_task(rook.scans.submit_scan_async(plan))
        assert (task.status, task.result["finding_count"]) == (TaskStatus.COMPLETED, CHECKS)


def test_the_files_of_a_scan_are_those_of_its_run(call: Call, weak_server: WeakServer, checks: Path) -> None:
    plan = ScanPlan(endpoints=(weak_server.url,), templates=(checks,), rate_limit=0.0)
    task_id = call(service.submit_scan_async, plan)
    assert call(artifacts.artifacts, task_id) == []
    with working(call.rook):
        ended(call.rook, task_id)
    files = call(artifacts.artifacts, task_id)
    assert [each.name for each in files] == ["items.ndjson", "metadata.json", "run.log"]
    assert files == call(service.artifacts, task_id)
    said = b"".join(call(artifacts.read_artifact, task_id, "run.log")).decode()
    assert f"completed: {CHECKS} findings" in said


# --- once


def test_the_same_plan_is_one_task_until_that_has_ended(call: Call, weak_server: WeakServer) -> None:
    plan = ScanPlan(endpoints=(weak_server.url, f"{weak_server.url}/app"), severity_levels=("high",))
    other_words = replace(plan, endpoints=plan.endpoints[::-1], priority=1)
    task_id = call(service.submit_scan_async, plan)
    assert call(service.submit_scan_async, other_words) == task_id
    assert call(service.submit_scan_async, replace(plan, severity_levels=("low",))) != task_id
    call.rook.tasks.cancel_task(task_id)
    assert call(service.submit_scan_async, plan) != task_id


SUBMIT = """
import sys
from rookery import app
from rookery.base.config import decode_config
from rookery.domains.scans.plan import ScanPlan
with app.open(config=decode_config(sys.stdin.readline())) as rook:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(20):
        print(rook.scans.submit_scan_async(ScanPlan(endpoints=("127.0.0.1:9",))))
"""


def test_two_processes_that_submit_the_same_plan_at_the_same_time_get_the_same_task(call: Call) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SUBMIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(encode_config(call.rook.config) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=PATIENCE)[0].split() for process in processes]
    assert len({task_id for ids in said for task_id in ids}) == 1
    assert [len(ids) for ids in said] == [20, 20]


def test_a_run_id_that_is_taken_is_refused_at_once(house: House) -> None:
    house.rook.scans.submit_scan(replace(house.quick, run_id="once"))
    with pytest.raises(RunExists):
        house.rook.scans.submit_scan_async(replace(house.quick, run_id="once"))
    assert house.rook.tasks.list() == []


# --- the scope


def test_a_stranger_is_refused_when_it_is_submitted(call: Call) -> None:
    with pytest.raises(TargetOutOfScope):
        call(service.submit_scan_async, ScanPlan(endpoints=("http://192.0.2.1",)))
    assert call.rook.tasks.list() == []
    house: Any = call.async_rook if call.is_async else call.rook
    house.audit.service.flush()
    assert audited(call.rook) == [("scan.refused", "tester")]


def test_the_scope_is_that_of_the_moment_at_which_it_runs(house: House) -> None:
    house.rook.scans.add_to_scope("192.0.2.1")
    task_id = house.rook.scans.submit_scan_async(ScanPlan(endpoints=("http://192.0.2.1",)))
    house.rook.scans.remove_from_scope("192.0.2.1")
    with working(house.rook):
        task = ended(house.rook, task_id)
    assert (task.status, task.attempts) == (TaskStatus.FAILED, 1)
    assert task.failure is not None
    assert task.failure.code == "target-out-of-scope"
    with pytest.raises(ScanFailed, match=r"before its scan had begun.*192\.0\.2\.1"):
        house.rook.scans.get_scan_result(task_id)


# --- while it runs


def test_the_progress_of_the_task_is_that_of_the_runs_own_work_list(house: House) -> None:
    task_id = house.rook.scans.submit_scan_async(house.slow)
    with working(house.rook):
        under_way = until(house.rook, task_id, is_under_way)
        assert (under_way.total, under_way.status) == (CHECKS, TaskStatus.RUNNING)
        assert under_way.message.endswith("findings")
        assert house.rook.scans.get_scan_result(task_id) is None
        over = ended(house.rook, task_id)
    assert (over.done, over.total, over.message) == (CHECKS, CHECKS, f"{CHECKS} findings")


def test_a_scan_that_is_cancelled_keeps_what_it_has_found(house: House) -> None:
    task_id = house.rook.scans.submit_scan_async(house.slow)
    with working(house.rook):
        until(house.rook, task_id, is_under_way)
        house.rook.tasks.cancel_task(task_id)
        assert ended(house.rook, task_id).status is TaskStatus.CANCELLED
    run = house.rook.scans.run(task_id)
    [(ok, _error, _skipped)] = house.rook.scans.coverage_counts(task_id).values()
    assert (run.status, run.trouble) == ("interrupted", "The run was interrupted.")
    assert 5 <= ok <= findings.count(house.rook, run_id=task_id) < CHECKS
    result = house.rook.scans.get_scan_result(task_id)
    assert result is not None
    assert (result.success, result.coverage["ok"]) == (False, ok)


def test_no_more_scans_of_a_host_run_at_a_time_than_are_allowed(house: House) -> None:
    first = house.rook.scans.submit_scan_async(house.slow)
    with working(house.rook, concurrency=4):
        until(house.rook, first, is_under_way)
        second = house.rook.scans.submit_scan_async(house.quick)
        waiting = until(house.rook, second, lambda task: task.waits_for is not None)
        assert waiting.waits_for == "scan:127.0.0.1"
        house.rook.tasks.cancel_task(first)
        assert ended(house.rook, second).status is TaskStatus.COMPLETED


def test_nor_when_a_project_has_the_host_that_its_plan_does_not_name(house: House) -> None:
    house.rook.projects.create("lab")
    house.rook.projects.add_endpoints("lab", house.quick.endpoints)
    first = house.rook.scans.submit_scan_async(house.slow)
    with working(house.rook, concurrency=4):
        until(house.rook, first, is_under_way)
        second = house.rook.tasks.submit_task("scans.run", {"project_id": "lab"})
        waiting = until(house.rook, second, lambda task: task.status != "pending" or bool(task.waits_for))
        assert waiting.waits_for == "scan:127.0.0.1"
        for task_id in (second, first):
            house.rook.tasks.cancel_task(task_id)
            ended(house.rook, task_id)


def test_how_many_scans_of_a_host_run_at_a_time_is_set_while_rookery_runs(house: House) -> None:
    with working(house.rook, concurrency=4):
        first = house.rook.scans.submit_scan_async(house.slow)
        until(house.rook, first, is_under_way)
        house.rook.settings.update_value("queue.scans_per_target", 2)
        second = house.rook.scans.submit_scan_async(house.quick)
        assert ended(house.rook, second).status is TaskStatus.COMPLETED
        assert house.rook.tasks.get_task_status(first) is TaskStatus.RUNNING
        house.rook.tasks.cancel_task(first)
        ended(house.rook, first)


# --- when its worker ends before it


def assert_whole(rook: app.Rook, task_id: str, checks: int = CHECKS) -> ScanResult:
    """Everything has been checked once and found, and the run says so."""
    result = rook.scans.get_scan_result(task_id)
    assert result is not None
    assert (result.success, result.coverage) == (True, {"ok": checks, "error": 0, "skipped": 0})
    assert result.finding_count == findings.count(rook, run_id=result.run_id) == checks
    return result


def test_the_scan_of_a_worker_that_was_killed_is_gone_on_with_as_the_same_run(house: House) -> None:
    task_id = house.rook.scans.submit_scan_async(house.slow)
    with worker_process(house.rook) as doomed:
        until(house.rook, task_id, is_under_way)
        doomed.kill()
        doomed.wait()
    with working(house.rook):
        assert ended(house.rook, task_id).status is TaskStatus.COMPLETED
    assert assert_whole(house.rook, task_id).run_id == task_id
    assert [run.id for run in house.rook.scans.runs()] == [task_id]
    of_runs = [event for event, _ in audited(house.rook) if event.startswith(("run.", "scan."))]
    assert of_runs[-3:] == ["run.abandoned", "scan.resumed", "scan.finished"]


def test_the_scan_of_a_worker_that_was_stopped_is_gone_on_with_as_the_same_run(house: House) -> None:
    task_id = house.rook.scans.submit_scan_async(house.slow)
    config = replace(house.rook.config, queue=Queue(grace=0.0))
    with app.open(config=config, actor="tester") as hasty, working(hasty):
        until(house.rook, task_id, is_under_way)
    assert house.rook.tasks.get_task_status(task_id) is TaskStatus.PENDING
    assert house.rook.scans.run(task_id).status == "interrupted"
    with working(house.rook):
        assert ended(house.rook, task_id).status is TaskStatus.COMPLETED
    assert_whole(house.rook, task_id)
    assert {actor for _, actor in audited(house.rook)} == {"tester"}


def test_a_scan_whose_worker_died_when_all_was_done_is_ended(house: House) -> None:
    """All is covered, and nobody has said that the run is over."""
    result = house.rook.scans.submit_scan(house.quick)
    task_id = house.rook.scans.submit_scan_async(house.quick)
    with house.rook.transaction() as session:
        run = store.resume_run(session, result.run_id, task_id=task_id)
        run.status = "abandoned"
    with working(house.rook):
        assert ended(house.rook, task_id).result["run_id"] == result.run_id
    assert_whole(house.rook, task_id)
    assert house.rook.scans.run(result.run_id).status == "completed"


def test_a_scan_whose_worker_died_before_it_could_say_that_it_was_over_is_not_run_again(
    house: House,
) -> None:
    result = house.rook.scans.submit_scan(house.quick)
    task_id = house.rook.scans.submit_scan_async(house.quick)
    with house.rook.transaction() as session:
        run = store.resume_run(session, result.run_id, task_id=task_id)
        run.status = "completed"
    with working(house.rook):
        assert ended(house.rook, task_id).result["run_id"] == result.run_id
    assert [event for event, _ in audited(house.rook)].count("scan.started") == 1


@pytest.mark.postgres
def test_the_scan_of_a_machine_that_is_gone_is_gone_on_with_by_another(
    postgres_url: str, data_dir: Path, tmp_path: Path, weak_server: WeakServer, checks: Path
) -> None:
    """They share a database and nothing else: the run's row says still that it runs."""
    gone = Config(data_dir=tmp_path / "gone", database=Database(url=postgres_url))
    here = Config(data_dir=data_dir, database=Database(url=postgres_url))
    plan = ScanPlan(endpoints=(weak_server.url,), templates=(checks,), rate_limit=8.0, concurrency=2)
    with app.open(config=gone) as rook, worker_process(rook) as doomed:
        task_id = rook.scans.submit_scan_async(plan)
        until(rook, task_id, is_under_way)
        doomed.kill()
        doomed.wait()
    with app.open(config=here) as rook:
        assert rook.scans.run(task_id).status == "running"
        with rook.transaction() as session:
            session.execute(text("UPDATE task SET lease_until_us = 0 WHERE status = 'running'"))
        with working(rook):
            assert ended(rook, task_id).status is TaskStatus.COMPLETED
        assert assert_whole(rook, task_id).run_id == task_id


STUBBORN = """
import asyncio
from pathlib import Path
from rookery.domains.scans.items import Ip
from rookery.domains.scans.tools import Availability, ScanRunner

class Stubborn:
    name = "stubborn"

    def available(self, limits):
        return Availability(version="1")

    def runner(self, job, **options):
        return Runner(job.plan.endpoints, **options)

class Runner(ScanRunner):
    async def produce(self):
        if not (mark := Path(__file__).with_name("mark")).exists():
            mark.touch()
            await asyncio.sleep(3600)
        yield Ip(ip="127.0.0.1")
"""


def test_a_tool_that_cannot_go_on_begins_another_run_of_the_same_task(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "rookery-stubborn", "stubborn = stubborn_tool:Stubborn", STUBBORN)
    plan = ScanPlan(endpoints=("http://127.0.0.1:9",), engine="stubborn")
    task_id = house.rook.scans.submit_scan_async(plan)
    with worker_process(house.rook, path=tmp_path) as doomed:
        wait_for((tmp_path / "mark").exists)
        doomed.kill()
        doomed.wait()
    with working(house.rook):
        task = ended(house.rook, task_id)
    assert (task.status, task.result["run_id"]) == (TaskStatus.COMPLETED, f"{task_id}.2")
    assert {run.id: run.status for run in house.rook.scans.runs()} == {
        task_id: "abandoned", f"{task_id}.2": "completed",
    }  # fmt: skip
    result = house.rook.scans.get_scan_result(task_id)
    assert result is not None
    assert result.run_id == f"{task_id}.2"


def test_a_worker_that_has_lost_a_scan_to_another_leaves_its_run_alone(house: House, tmp_path: Path) -> None:
    context = TaskContext("task-1", folder=tmp_path)

    def lose(_runner: object, item: Item) -> None:
        if item._type == "vulnerability":
            context.stop(LeaseLost())

    plan = replace(house.quick, run_id="run-1")
    run_plan(house.rook, plan, hooks_from({"on_item": lose}), context)
    run = store.get_run(house.rook, "run-1")
    assert (run.status, run.task_id, run.finished_us) == ("running", "task-1", None)


# --- what ends otherwise


def test_a_scan_that_reached_nothing_is_a_failed_task_and_its_run_tells_why(
    house: House, free_port: int
) -> None:
    plan = ScanPlan(endpoints=(f"127.0.0.1:{free_port}",))
    task_id = house.rook.scans.submit_scan_async(plan)
    with working(house.rook):
        task = ended(house.rook, task_id)
    assert (task.status, task.attempts) == (TaskStatus.FAILED, 1)
    assert task.failure is not None
    assert task.failure.message == (f"No target gave an answer. What it did: rookery runs show {task_id}")
    result = house.rook.scans.get_scan_result(task_id)
    assert result is not None
    assert (result.success, result.error) == (False, "No target gave an answer.")


def test_a_run_that_was_broken_off_can_be_left_to_a_worker(house: House) -> None:
    first = house.rook.scans.submit_scan_async(house.slow)
    with working(house.rook):
        until(house.rook, first, is_under_way)
        house.rook.tasks.cancel_task(first)
        ended(house.rook, first)
        resumed = house.rook.scans.resume_scan_async(first, priority=1)
        assert house.rook.scans.resume_scan_async(first) == resumed != first
        assert until(house.rook, resumed, is_under_way).total == CHECKS
        assert house.rook.scans.get_scan_result(first) is None
        assert ended(house.rook, resumed).status is TaskStatus.COMPLETED
    assert assert_whole(house.rook, first).run_id == first
    assert_whole(house.rook, resumed)


def test_a_run_whose_task_goes_on_by_itself_needs_no_other(house: House) -> None:
    task_id = house.rook.scans.submit_scan_async(house.slow)
    hasty = replace(house.rook.config, queue=Queue(grace=0.0))
    with app.open(config=hasty, actor="tester") as rook, working(rook):
        until(rook, task_id, is_under_way)
    assert house.rook.scans.resume_scan_async(task_id) == task_id
    assert house.rook.scans.resume_scan(task_id).success, "whoever cannot wait does it"
    with working(house.rook):
        assert ended(house.rook, task_id).result["finding_count"] == CHECKS
    assert_whole(house.rook, task_id)


def test_a_run_that_is_whole_is_not_resumed(house: House) -> None:
    run_id = house.rook.scans.submit_scan(house.quick).run_id
    task_id = house.rook.scans.resume_scan_async(run_id)
    with working(house.rook):
        task = ended(house.rook, task_id)
    assert task.failure is not None
    assert (task.status, task.failure.code) == (TaskStatus.FAILED, NothingToResume.code)
    assert_whole(house.rook, run_id)


# --- its neighbours


def test_a_file_of_findings_is_imported_by_a_worker(house: House, tmp_path: Path) -> None:
    line = '{"template-id":"t","info":{"name":"n","severity":"low"},"host":"h","matched-at":"http://h/"}\n'
    (tmp_path / "found.jsonl").write_text(line)
    task_id = house.rook.tasks.submit_task("findings.import", {"path": str(tmp_path / "found.jsonl")})
    with working(house.rook):
        task = ended(house.rook, task_id)
    assert (task.status, task.result["records"], task.result["new"]) == (TaskStatus.COMPLETED, 1, 1)
    assert task.message == "1 results, 1 findings"


def test_findings_are_checked_again_by_a_worker(house: House, checks: Path) -> None:
    house.rook.scans.submit_scan(house.quick)
    wanted = {"filter": "template:check-0*", "templates": [str(checks)]}
    task_id = house.rook.tasks.submit_task("findings.retest", wanted)
    with working(house.rook):
        task = ended(house.rook, task_id)
    assert (task.status, task.result["seen"], task.result["fixed"]) == (TaskStatus.COMPLETED, 10, 0)
    assert {run.id for run in house.rook.scans.runs()} >= set(task.result["runs"]) != set()

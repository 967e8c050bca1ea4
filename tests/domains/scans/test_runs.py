"""What stays of a run: its row, coverage, files; and what becomes of one whose process has died."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

import rookery
from rookery.base import config
from rookery.base.clock import now
from rookery.base.redact import MASK, register_secret
from rookery.demo import WeakServer
from rookery.domains.findings import store as findings
from rookery.domains.findings.items import Vulnerability
from rookery.domains.scans import service, store
from rookery.domains.scans.artifacts import KeepArtifacts
from rookery.domains.scans.coverage import ids_by_outcome
from rookery.domains.scans.errors import BadRunId, NothingToResume, RunIsAlive, RunNotFound
from rookery.domains.scans.folders import RunFolder
from rookery.domains.scans.models import RunCoverage
from rookery.domains.scans.plan import ScanPlan, decode_plan
from rookery.mechanisms.hooks import Error, Info, Item, Progress, hooks_from
from tests.conftest import Call
from tests.domains.findings.test_store import record, sighting


def plan(*endpoints: str, **different: Any) -> ScanPlan:
    return ScanPlan(endpoints=endpoints, rate_limit=0.0, **different)


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """Twelve templates that each find something on any server."""
    folder = tmp_path / "checks"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number:02}.yaml").write_text(
            f"id: check-{number:02}\ninfo: {{name: c, author: a, severity: info}}\n"
            f"http:\n- method: GET\n  path: ['{{{{BaseURL}}}}/{number}']\n"
            "  matchers:\n  - {type: status, status: [200, 404]}\n"
        )
    return folder


def test_a_run_keeps_its_plan_and_every_pair_it_covered(
    call: Call, weak_server: WeakServer, free_port: int, checks: Path
) -> None:
    dead = f"http://127.0.0.1:{free_port}"
    result = call(service.submit_scan, plan(weak_server.url, dead, templates=(checks,)))
    run = call(service.run, result.run_id[:20])
    assert decode_plan(run.plan) == plan(
        weak_server.url, dead, templates=(checks.absolute(),), run_id=result.run_id
    )
    assert call(store.coverage_counts, run.id) == {weak_server.url: (12, 0, 0), dead: (0, 0, 12)}
    assert result.coverage == {"ok": 12, "error": 0, "skipped": 12}
    [packed] = call(store.coverage, run.id, target=dead).values()
    covered = ids_by_outcome(call(store.template_ids, run.id), packed)
    assert covered["skipped"] == [f"check-{number:02}" for number in range(12)]


def test_a_run_leaves_private_files_that_say_what_it_did(
    call: Call, weak_server: WeakServer, data_dir: Path, checks: Path
) -> None:
    result = call(service.submit_scan, plan(weak_server.url, templates=(checks,)))
    listed = call(service.artifacts, result.run_id)
    files = {each.name: data_dir / "runs" / result.run_id / each.name for each in listed}
    read = b"".join(call(service.read_artifact, result.run_id, "items.ndjson"))
    assert read == files["items.ndjson"].read_bytes()
    assert files.keys() == {"items.ndjson", "metadata.json", "run.log"}
    items = [json.loads(line) for line in files["items.ndjson"].read_text().splitlines()]
    assert [item["_type"] for item in items].count("vulnerability") == result.finding_count == 12
    metadata = json.loads(files["metadata.json"].read_text())
    assert (metadata["id"], metadata["status"], metadata["findings"]) == (result.run_id, "completed", 12)
    assert "completed: 12 findings" in files["run.log"].read_text()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files.values()}
    assert (modes, stat.S_IMODE((data_dir / "runs").stat().st_mode)) == ({0o600}, 0o700)


def test_a_finding_that_a_completed_check_no_longer_sees_is_fixed_and_no_other(
    call: Call, weak_server: WeakServer, free_port: int, tmp_path: Path
) -> None:
    """The check that has changed its mind completes on one path; another endpoint's finding stays."""
    template = tmp_path / "mind.yaml"

    template.write_text(
        "id: mind\ninfo: {name: m, author: a, severity: low}\nhttp:\n- method: GET\n"
        "  path: ['{{BaseURL}}/.git/config']\n"
        "  matchers:\n  - {type: status, status: [200, 404]}\n"
    )
    call(service.submit_scan, plan(weak_server.url, f"{weak_server.url}/app", templates=(template,)))
    assert {finding.state for finding in call(findings.list_)} == {"open"}
    template.write_text(template.read_text().replace("[200, 404]", "[299]"))
    call(service.submit_scan, plan(f"http://127.0.0.1:{free_port}", templates=(template,)))
    assert {finding.state for finding in call(findings.list_)} == {"open"}, "the host was not reached"
    call(service.submit_scan, plan(weak_server.url, templates=(template,)))
    states = {finding.target: finding.state for finding in call(findings.list_)}
    assert states == {weak_server.url: "fixed", f"{weak_server.url}/app": "open"}


@pytest.mark.parametrize("run_id", ["../x", "/etc", ".hidden", "a/b", "x" * 65, "a\nb", "ü"])
def test_an_id_that_is_no_folder_name_is_refused(call: Call, data_dir: Path, run_id: str) -> None:
    with pytest.raises(BadRunId):
        call(service.submit_scan, plan("127.0.0.1:9", run_id=run_id))
    assert not (data_dir / "runs").exists()


def begin(call: Call, run_id: str) -> None:
    call(
        store.begin_run,
        plan("http://127.0.0.1:9", run_id=run_id),
        actor="tester",
        engine_version="",
        template_ids=("a", "b"),
        skipped={},
    )


def test_a_run_whose_process_has_died_is_abandoned_at_the_next_look(call: Call, data_dir: Path) -> None:
    for run_id in ("dead", "alive"):
        begin(call, run_id)
    RunFolder(data_dir, "dead").hold().close()
    lock = RunFolder(data_dir, "alive").hold()
    assert {run.id: run.status for run in call(service.runs)} == {"dead": "abandoned", "alive": "running"}
    with pytest.raises(RunIsAlive):
        call(service.resume_scan, "alive")
    lock.close()
    assert call(service.run, "alive").status == "abandoned"
    told = json.loads((data_dir / "runs" / "alive" / "metadata.json").read_text())
    assert (told["id"], told["status"]) == ("alive", "abandoned")
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    assert [entry.object for entry in call.rook.audit.list(event_type="run.abandoned")] == ["alive", "dead"]


def test_what_a_run_had_brought_to_light_is_told_once_though_its_process_died(
    call: Call, data_dir: Path
) -> None:
    begin(call, "dead")
    record(call, sighting(run_id="dead"))
    RunFolder(data_dir, "dead").hold().close()
    for _ in range(2):
        assert call(service.run, "dead").status == "abandoned"
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    [told] = call.rook.audit.list(event_type="findings.appeared")
    assert (told.object, told.details["counts"]) == ("dead", {"medium": 1})


def test_old_runs_are_pruned_with_their_files_but_neither_new_nor_living_ones(
    call: Call, data_dir: Path
) -> None:
    for run_id in ("old", "alive"):
        begin(call, run_id)
        call(store.put_coverage, run_id, {})
    RunFolder(data_dir, "old").hold().close()
    lock = RunFolder(data_dir, "alive").hold()
    RunFolder(data_dir, "of-no-run").hold().close()
    assert call(service.prune_runs, now() - timedelta(days=1)) == []
    assert call(service.prune_runs, now() + timedelta(seconds=1)) == ["old"]
    lock.close()
    assert [run.id for run in call(service.runs)] == ["alive"]
    assert [folder.name for folder in (data_dir / "runs").iterdir()] == ["alive"]
    with pytest.raises(RunNotFound):
        call(service.run, "old")


def test_keep_days_prunes_when_the_next_scan_starts(
    sqlite_url: str, data_dir: Path, weak_server: WeakServer, checks: Path
) -> None:
    settings = config.Config(data_dir=data_dir, database=config.Database(url=sqlite_url))
    with rookery.open(config=settings) as rook:
        for _ in range(2):
            first = rook.scans.submit_scan(plan(weak_server.url, templates=(checks,)))
        with rook.transaction() as session:
            run = store.get_run(session, first.run_id)
            run.started_us -= 91 * 86_400_000_000
        rook.scans.submit_scan(plan(weak_server.url, templates=(checks,)))
        assert first.run_id not in {run.id for run in rook.scans.runs()}
        assert len(rook.scans.runs()) == 2


def test_a_run_that_was_broken_off_goes_on_where_it_was(
    sqlite_url: str, data_dir: Path, weak_server: WeakServer, checks: Path
) -> None:
    asked: list[str] = []
    third = threading.Event()

    def see(_runner: object, item: Item) -> None:
        if isinstance(item, Vulnerability):
            asked.append(item.template_id)
            if len(asked) == 3:
                third.set()

    async def story() -> None:
        settings = config.Config(data_dir=data_dir, database=config.Database(url=sqlite_url))
        async with rookery.aopen(config=settings) as rook:
            slow = ScanPlan(endpoints=(weak_server.url,), templates=(checks,), rate_limit=8.0, concurrency=1)
            scan = asyncio.create_task(rook.scans.submit_scan(slow, hooks=hooks_from({"on_item": see})))
            await asyncio.to_thread(third.wait)
            scan.cancel()
            with pytest.raises(asyncio.CancelledError):
                await scan
            [run] = await rook.scans.runs()
            before = list(asked)
            result = await rook.scans.resume_scan(run.id, hooks=hooks_from({"on_item": see}))
            assert (result.run_id, result.success) == (run.id, True)
            assert sorted({*asked}) == [f"check-{number:02}" for number in range(12)]
            assert 3 <= len(before) < 12
            assert len(asked) <= 12 + 1, "one may have been found, and not be done, when it was broken off"
            assert result.coverage == {"ok": 12, "error": 0, "skipped": 0}
            assert result.finding_count == await rook.findings.count() == 12
            with pytest.raises(NothingToResume):
                await rook.scans.resume_scan(run.id)

    with asyncio.Runner() as runner:
        runner.run(story())


def test_a_template_that_came_after_the_break_is_not_part_of_the_run(
    sqlite_rook: rookery.Rook, weak_server: WeakServer, checks: Path
) -> None:
    scan = sqlite_rook.scans
    result = scan.submit_scan(plan(weak_server.url, templates=(checks,)))
    with sqlite_rook.transaction() as session:
        store.end_run(session, result.run_id, status="interrupted", counts={}, errors=[])
        session.execute(delete(RunCoverage).where(RunCoverage.run_id == result.run_id))
    (checks / "00a.yaml").write_text((checks / "00.yaml").read_text().replace("check-00", "new"))
    (checks / "05.yaml").unlink()
    again = scan.resume_scan(result.run_id)
    assert again.coverage == {"ok": 11, "error": 0, "skipped": 0}
    assert "new" not in {finding.template_id for finding in sqlite_rook.findings.list()}


@pytest.fixture
def folder(data_dir: Path) -> Iterator[RunFolder]:
    folder = RunFolder(data_dir, "run-1")
    lock = folder.hold()
    yield folder
    lock.close()


def of_run(item: Item) -> Item:
    item._context = {"run_id": "run-1"}
    return item


def test_kept_items_are_bounded_and_without_secrets(folder: RunFolder, data_dir: Path) -> None:
    register_secret("tr0ub4dor")
    keep = KeepArtifacts(data_dir, max_bytes=2_000)
    keep(None, [of_run(Info(message="tr0ub4dor")), of_run(Progress(percent=1.0))])
    kept = (folder.path / "items.ndjson").read_text().splitlines()
    assert [json.loads(line)["message"] for line in kept] == [MASK]
    for _ in range(100):
        keep(None, [of_run(Error(message="x" * 100))])
    assert (folder.path / "items.ndjson").stat().st_size < 2_500
    said = (folder.path / "run.log").read_text()
    assert said.count("runs.max_bytes") == 1
    assert "tr0ub4dor" not in said


def test_items_of_a_run_that_was_pruned_meanwhile_are_dropped(folder: RunFolder, data_dir: Path) -> None:
    shutil.rmtree(folder.path)
    KeepArtifacts(data_dir, max_bytes=2_000)(None, [of_run(Info(message="late"))])
    assert not folder.exists


def test_metadata_is_whole_and_masked(folder: RunFolder) -> None:
    folder.write_metadata({"plan": {"api_token": "abcdef"}})
    assert json.loads((folder.path / "metadata.json").read_text()) == {"plan": {"api_token": MASK}}

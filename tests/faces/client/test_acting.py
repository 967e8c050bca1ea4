"""What a verb does from afar is what it does at hand, and what it raises is what it raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rookery import ScanPlan
from rookery.domains.backups.errors import VersionNotFound
from rookery.domains.credentials.errors import CredentialNotFound
from rookery.domains.devices.errors import DeviceChanged, DeviceExists, DeviceNotFound, DeviceNotValid
from rookery.domains.findings.errors import FindingNotFound
from rookery.domains.scans.errors import FilesFromAfar, TargetOutOfScope
from rookery.domains.scans.openapi import Filling
from rookery.domains.schedules.timing import Every
from rookery.faces.client.errors import OnlyAtHome
from rookery.mechanisms.tasks.models import Task
from rookery.mechanisms.tasks.rules import RetryPolicy
from rookery.mechanisms.transport.terminal.errors import LoginFailed
from tests.domains.backups.conftest import ABC
from tests.faces.client.conftest import Afar
from tests.faces.client.houses import BOTH_DATABASES, Lab, plain
from tests.workers import working

MINE = 'title = "Mine"\n[dialect]\nprompt = "mine> $"\n'
PETS = {
    "openapi": "3.0.0", "info": {"title": "Pets", "version": "1"}, "servers": [{"url": "http://127.0.0.1:1"}],
    "paths": {
        "/pets/{id}": {
            "get": {"parameters": [{"name": "id", "in": "path", "required": True, "schema": {}}]},
            "delete": {"parameters": [{"name": "tag", "in": "query", "required": True, "schema": {}}]},
        }
    },
}  # fmt: skip


@BOTH_DATABASES
def test_what_is_changed_from_afar_is_changed(lab: Lab, afar: Afar) -> None:
    made = afar("devices.create", "r3", "192.0.2.3", "eos", tags=["edge"], is_enabled=False)
    assert made == lab.rook.devices.get("r3")
    louder = afar("devices.update", "r3", revision=made.revision, notes="to be replaced", is_enabled=True)
    assert (louder.notes, louder.is_enabled, louder.tags) == ("to be replaced", True, made.tags)
    with pytest.raises(DeviceChanged):
        afar("devices.update", "r3", revision=made.revision, notes="lost")
    assert set(afar("devices.add_tags", "r3", ["dmz", "pop"]).tags) == {"default", "edge", "dmz", "pop"}
    assert set(afar("devices.remove_tags", "r3", ["dmz", "edge"]).tags) == {"default", "pop"}
    imported = afar("devices.import_", "name,address,platform\nr9,192.0.2.9,eos\n", "csv", site="north")
    assert (imported.count("create"), lab.rook.devices.get("r9").site) == (1, "north")
    afar("devices.delete", "r9")
    assert [each.name for each in lab.rook.devices.list()] == ["r1", "r2", "r3"]
    assert afar("devices.add_platform", "mine", MINE) == lab.rook.devices.platform("mine")
    assert afar("devices.forget_host_keys", "192.0.2.77") == 0

    with pytest.raises(DeviceExists, match="R3"):
        afar("devices.create", "R3", "192.0.2.3", "eos")
    with pytest.raises(DeviceNotFound, match="r4"):
        afar("devices.get", "r4")
    with pytest.raises(DeviceNotValid, match="colour"):
        afar("devices.import_", "name,address,platform\nr9,192.0.2.9,eos\n", "csv", colour="red")


def test_credentials_are_kept_from_afar_and_told_to_whoever_says_why(lab: Lab, afar: Afar) -> None:
    made = afar("credentials.create", "edge", "admin", password="swordfish swordfish", tags=("edge",))
    assert made == lab.rook.credentials.get("edge")
    assert afar("credentials.update", "edge", priority=5).priority == 5
    assert afar("credentials.reveal", "edge", "a drill").password == "swordfish swordfish"
    [told] = afar("audit.list", event_type="credential.revealed")
    assert (told.actor, told.details["reason"]) == ("admin", "a drill")
    afar("credentials.delete", "edge")
    with pytest.raises(CredentialNotFound):
        afar("credentials.get", "edge")


def test_a_scan_from_afar_is_done_there_and_waited_for(lab: Lab, afar: Afar, tmp_path: Path) -> None:
    plan = ScanPlan(endpoints=(lab.web.url,), severity_levels=("high", "critical"))
    with working(lab.rook):
        result = afar("scans.submit_scan", plan)
        assert result == lab.rook.scans.get_scan_result(result.run_id)
        assert (result.success, result.finding_count > 0) == (True, True)
        again = afar("scans.retest", "sev>=high")
        assert (again.chosen, again.fixed, len(again.runs)) == (again.seen, 0, 1)
        with pytest.raises(TargetOutOfScope):
            afar("scans.submit_scan", ScanPlan(endpoints=("203.0.113.1",)))
    file = tmp_path / "results.jsonl"
    file.write_text("".join(lab.rook.findings.export("jsonl")))
    imported = afar("scans.import_findings", file)
    assert imported.records == lab.rook.findings.count()
    assert (imported.new, imported.bad) == (0, 0)
    assert afar("scans.import_findings", file).again
    with pytest.raises(FilesFromAfar):
        afar("scans.submit_scan", ScanPlan(endpoints=("127.0.0.1",), templates=(tmp_path,)))


def test_findings_are_triaged_from_afar(lab: Lab, afar: Afar) -> None:
    finding = lab.rook.findings.list(limit=1)[0]
    chosen = f"id:{finding.id}"
    assert afar("findings.triage", chosen, "false_positive", reason="a honeypot").changed == 1
    afar("findings.assign", chosen, "ada")
    afar("findings.note", chosen, "seen by hand")
    afar("findings.label", chosen, add=("seen",))
    assert plain(afar("findings.get", finding.id)) == plain(lab.rook.findings.get(finding.id))
    here, there = lab.rook.findings.history(finding.id), afar("findings.history", finding.id)
    assert [(each.kind, each.reason, each.at_us) for each in there] == [
        (each.kind, each.reason, each.at_us) for each in here
    ]
    assert plain(afar("findings.evidence", finding.id)) == plain(lab.rook.findings.evidence(finding.id))
    assert afar("findings.evidence", "there-is-no-such") is None
    with pytest.raises(FindingNotFound):
        afar("findings.get", "there-is-no-such")


def test_devices_are_backed_up_from_afar(lab: Lab, afar: Afar) -> None:
    with working(lab.rook):
        assert afar("backups.capture", "r1").status == "unchanged"
        assert afar("backups.reach_one", "r1").reason == "r1#"
        report = afar("backups.run", "tag:core")
        assert [(each.device, each.status) for each in report.devices] == [("r1", "unchanged")]
        [reached] = afar("backups.reach", names=["r1"])
        assert (reached.device, reached.status) == ("r1", "unchanged")
        lab.rook.credentials.update("lab", password="wrong wrong wrong")
        with pytest.raises(LoginFailed):
            afar("backups.capture", "r1")
        [failed] = afar("backups.run", names=["r1"]).devices
        assert (failed.device, failed.status, failed.code) == ("r1", "failed", "login-failed")
    assert ABC in afar("backups.reveal", "r1", "an audit")
    with pytest.raises(VersionNotFound):
        afar("backups.text", "r1", 99)
    with pytest.raises(OnlyAtHome, match="failed_only"):
        afar("backups.run", failed_only=True)


def test_an_apis_document_is_read_here_or_fetched_there_within_the_scope(
    lab: Lab, afar: Afar, tmp_path: Path
) -> None:
    file = tmp_path / "openapi.json"
    file.write_bytes(msgspec.json.encode(PETS))
    here = lab.rook.projects.read_openapi(str(file), filling=Filling({"id": "7"}))
    assert afar("projects.read_openapi", str(file), filling=Filling({"id": "7"})) == here
    added, found = afar("projects.import_openapi", "web", f"{lab.web.url}/openapi.json")
    assert {each.address for each in added} <= {each.address for each in lab.rook.projects.endpoints("web")}
    assert found == lab.rook.projects.read_openapi(f"{lab.web.url}/openapi.json")
    for elsewhere in ("http://203.0.113.1/api.json", "http://169.254.169.254/latest/meta-data"):
        with pytest.raises(TargetOutOfScope):
            afar("projects.read_openapi", elsewhere)


def test_work_is_left_to_tasks_from_afar(lab: Lab, afar: Afar) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    task_id = afar("tasks.submit_task", "backups.run", {"filter": "tag:core"}, priority=2, run_at=later)
    assert task_id.is_new
    assert plain(afar("tasks.get_task", task_id)) == plain(lab.rook.tasks.get_task(task_id))
    assert afar("tasks.get_task_status", task_id) == lab.rook.tasks.get_task_status(task_id)
    assert afar("tasks.get_task_result", task_id) is None
    assert afar("tasks.cancel_task", task_id)
    check = afar("scans.check_devices", ScanPlan(endpoints=("device:r1",)))
    assert lab.rook.tasks.get_task(check).type == "scans.check"
    own: dict[str, Any] = {"retry": RetryPolicy(temporary=9), "window": timedelta(hours=1), "timeout": 7.5}
    keyed = [afar("tasks.submit_task", "backups.run", {}, idempotency_key="x", **own) for _ in range(2)]
    with lab.rook.reading() as session:
        row = session.get_one(Task, keyed[0])
    assert (row.retry, row.timeout) == (msgspec.json.encode(own["retry"]).decode(), 7.5)
    assert row.key_until_us is not None
    assert (keyed[0] == keyed[1], [each.is_new for each in keyed]) == (True, [True, False])
    assert [each.id for each in afar("tasks.list", ids=[keyed[0]])] == [keyed[0]]


def test_schedules_settings_and_notifications_are_kept_from_afar(lab: Lab, afar: Afar) -> None:
    made = afar("schedules.create", "hourly", Every(seconds=3600), "backups.run", {"filter": "tag:core"})
    assert made == lab.rook.schedules.get("hourly")
    assert afar("schedules.update", "hourly", timing=Every(seconds=7200)).timing.seconds == 7200
    assert not afar("schedules.disable", "hourly").is_enabled
    assert afar("schedules.enable", "hourly").is_enabled
    assert len(afar("schedules.preview", "hourly", 3)) == len(afar("schedules.preview", Every(seconds=60), 3))
    assert afar("schedules.run_now", "hourly").is_new
    afar("schedules.delete", "hourly")

    before = afar("settings.get", "queue.keep_days")
    assert afar("settings.update_value", "queue.keep_days", 9, revision=before.revision).value == 9
    assert afar("settings.unset", "queue.keep_days") == lab.rook.settings.get("queue.keep_days")
    own = afar("settings.create", "own.motd", default="hello", description="what is shown")
    assert afar("settings.update", "own.motd", default="bye", revision=own.revision).value == "bye"
    afar("settings.delete", "own.motd")

    assert afar("notifications.update_channel", "ops", subject="Rookery").subject == "Rookery"
    assert afar("notifications.reveal_channel", "ops", "a drill").url == "http://127.0.0.1:9/x"
    rule = afar("notifications.create_rule", "loud", ["backup.failed"], ["ops"], severity="high")
    assert afar("notifications.update_rule", "loud", revision=rule.revision, digest=60).digest == 60
    afar("notifications.delete_rule", "loud")


def test_people_are_let_in_from_afar_but_no_token_is_made(lab: Lab, afar: Afar) -> None:
    made = afar("users.create", "ada", "ada@example.net", "operator", password="the river runs backwards")
    assert made == afar("users.by_email", "ada@example.net") == lab.rook.users.get(made.id)
    assert afar("users.update", made.id, role="viewer").role == "viewer"
    lab.rook.users.open_session(made.id)
    assert len(afar("users.sessions", made.id)) == 1
    assert afar("users.end_sessions", made.id) == 1
    afar("users.set_password", made.id, "and the owls fly south")
    afar("users.totp_disable", made.id)
    with pytest.raises(OnlyAtHome):
        afar("users.create_token", made.id, "forged", ["devices:read"])
    afar("users.delete", made.id)
    assert lab.rook.users.count("name:ada") == 0

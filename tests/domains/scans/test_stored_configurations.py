"""Templates of the file protocol over the configurations of devices, as they are stored."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery import app
from rookery.domains.backups.texts import StoredConfigurations
from rookery.domains.devices.errors import DeviceNotFound
from rookery.domains.findings.models import Finding
from rookery.domains.scans.endpoints import host_of, is_path, parse_endpoint
from rookery.domains.scans.errors import BadPlan, BadTarget
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.tools.nuclei import Nuclei
from rookery.mechanisms.filters.grammar import FilterNotValid
from tests.domains.backups.conftest import PASSWORD, configuration, device, fleet, ios
from tests.workers import ended, working

TELNET = """\
id: telnet-on
info:
  name: Telnet is allowed
  author: tester
  severity: high
  remediation: transport input ssh
file:
  - extensions: [conf]
    extractors:
      - type: regex
        regex: ['^\\s*transport input telnet']
"""
SECRET = TELNET.replace("telnet-on", "secret-seen").replace("^\\s*transport input telnet", "abc")


@pytest.fixture
def backed_up(sqlite_rook: app.Rook) -> Iterator[app.Rook]:
    """A house with r1, which takes Telnet, r2, which does not, and r3, which was never backed up."""
    open_line = "line vty 0 4\n transport input telnet\n"
    simulated = device("r1", text=configuration("r1", more=open_line)), device("r2")
    with fleet(simulated):
        sqlite_rook.credentials.create("lab", "admin", password=PASSWORD)
        for number, each in enumerate(simulated, 1):
            sqlite_rook.devices.create(f"r{number}", "127.0.0.1", "ios", port=each.port, tags=("lab",))
        sqlite_rook.devices.create("r3", "127.0.0.1", "ios")
        assert sqlite_rook.backups.run("tag:lab").count("changed") == 2
        yield sqlite_rook
        simulated[0].script = ios("r1")


def scanned(rook: app.Rook, folder: Path, endpoint: str, template: str = TELNET) -> list[Finding]:
    """What one template finds there."""
    (folder / "check.yaml").write_text(template)
    plan = ScanPlan(endpoints=(endpoint,), templates=(folder / "check.yaml",))
    return rook.findings.list(run_id=rook.scans.submit_scan(plan).run_id)


@pytest.mark.parametrize("endpoint", ["device:r1", "device:R1", "device:*", "device:tag:lab"])
def test_a_weak_configuration_is_a_finding_of_its_device(
    backed_up: app.Rook, tmp_path: Path, endpoint: str
) -> None:
    (found,) = scanned(backed_up, tmp_path, endpoint)
    assert (found.target, found.name) == ("device:r1/running.conf", "Telnet is allowed")
    assert "transport input telnet" in found.extracted
    assert found.remediation == "transport input ssh"


def test_without_templates_the_shipped_checks_are_run(backed_up: app.Rook) -> None:
    result = backed_up.scans.submit_scan(ScanPlan(endpoints=("device:*",)))
    found = {(each.target, each.template_id) for each in backed_up.findings.list(run_id=result.run_id)}
    assert ("device:r1/running.conf", "ios-telnet-enabled") in found
    assert ("device:r2/running.conf", "ios-telnet-enabled") not in found
    assert ("device:r2/running.conf", "ios-no-aaa") in found
    assert result.template_count >= 40


def test_a_sound_configuration_is_none(backed_up: app.Rook, tmp_path: Path) -> None:
    assert scanned(backed_up, tmp_path, "device:r2") == []


def test_a_finding_is_fixed_when_the_device_is(backed_up: app.Rook, tmp_path: Path) -> None:
    simulated = device("r1")
    (before,) = scanned(backed_up, tmp_path, "device:r1")
    with fleet([simulated]):
        backed_up.devices.update("r1", port=simulated.port)
        assert backed_up.backups.capture("r1").status == "changed"
    for _ in range(backed_up.config.findings.fixed_after_misses):
        scanned(backed_up, tmp_path, "device:r1")
    assert backed_up.findings.get(before.id).state == "fixed"


def test_no_template_sees_a_secret(backed_up: app.Rook, tmp_path: Path) -> None:
    assert scanned(backed_up, tmp_path, "device:*", SECRET) == []


@pytest.mark.parametrize("endpoint", ["device:r3", "device:nobody", "device:tag:nothing"])
def test_what_was_never_backed_up_is_said_to_be_not_scanned(
    backed_up: app.Rook, tmp_path: Path, endpoint: str
) -> None:
    plan = ScanPlan(endpoints=(endpoint,), templates=(tmp_path / "check.yaml",))
    (tmp_path / "check.yaml").write_text(TELNET)
    result = backed_up.scans.submit_scan(plan)
    assert (result.success, result.error_count) == (False, 1)


def test_each_device_is_checked_by_a_task_of_its_own(backed_up: app.Rook, tmp_path: Path) -> None:
    (tmp_path / "check.yaml").write_text(TELNET)
    plan = ScanPlan(endpoints=("device:*", "device:r1"), templates=(tmp_path / "check.yaml",), priority=3)
    task_id = backed_up.scans.check_devices(plan)
    assert backed_up.scans.check_devices(plan) == task_id
    with working(backed_up):
        parent = ended(backed_up, task_id)
        children = [each for each in backed_up.tasks.list() if each.parent_id == task_id]
        children = [ended(backed_up, each.id) for each in children]
    assert (parent.status, parent.result) == ("completed", {"submitted": 2})
    assert sorted(each.payload["endpoints"] for each in children) == [["device:r1"], ["device:r2"]]
    assert {(each.type, each.status, each.priority) for each in children} == {("scans.run", "completed", 3)}
    (found,) = backed_up.findings.list()
    assert found.target == "device:r1/running.conf"


def test_checks_of_nothing_are_no_success(backed_up: app.Rook) -> None:
    task_id = backed_up.scans.check_devices(ScanPlan(endpoints=("device:r3",)))
    with working(backed_up):
        failure = ended(backed_up, task_id).failure
    assert failure is not None
    assert "no such device has been backed up" in failure.message


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (ScanPlan(endpoints=("device:*", "http://127.0.0.1")), "stored configurations"),
        (ScanPlan(endpoints=("device:*",), run_id="mine"), "run_id"),
    ],
)
def test_what_is_no_check_is_refused_at_once(sqlite_rook: app.Rook, plan: ScanPlan, reason: str) -> None:
    with pytest.raises(BadPlan, match=reason):
        sqlite_rook.scans.check_devices(plan)


def test_stored_configurations_are_targets_like_files() -> None:
    parsed = parse_endpoint("device:r1")
    assert (parsed.kind, parsed.target, host_of(parsed.target), is_path(parsed.target)) == (
        *("device", "device:r1", "", True),
    )
    with pytest.raises(BadTarget, match=r"device:\*"):
        parse_endpoint("device:")
    with pytest.raises(BadTarget, match="only the embedded engine"):
        Nuclei().endpoint("device:r1")


def test_texts_are_read_anew_by_a_copy(backed_up: app.Rook) -> None:
    texts = pickle.loads(pickle.dumps(StoredConfigurations(backed_up.config)))  # noqa: S301  our own
    assert texts.names("*") == ["r1", "r2"]
    assert b"hostname r1" in texts.read("r1")
    assert texts.read("r3") is None
    with pytest.raises(DeviceNotFound):
        texts.names("nobody")
    with pytest.raises(FilterNotValid):
        texts.names("tg:lab")

"""Backing up simulated devices: versions, failures, lock-outs, and what is looked at afterwards."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import rookery
from rookery.base.clock import now
from rookery.base.config import Config, Database
from rookery.base.config_fleet import Backups
from rookery.demo.fleet import SimulatedDevice
from rookery.domains.backups import reaching, reading, resealing, service, store
from rookery.domains.backups.errors import (
    ConfigurationShrunk,
    ConfigurationTruncated,
    DeviceDisabled,
    VersionNotFound,
)
from rookery.domains.credentials import service as credentials
from rookery.domains.credentials.errors import CredentialNotFound, CredentialNotValid, NoCredential
from rookery.domains.devices import service as devices
from rookery.domains.devices import store as inventory
from rookery.mechanisms.transport.terminal.dialect import PatternNotValid
from rookery.mechanisms.transport.terminal.errors import (
    DeviceHungUp,
    DeviceRefused,
    HostKeyChanged,
    LoginFailed,
)
from rookery.mechanisms.vault.errors import SealBroken
from tests.conftest import Call
from tests.domains.backups.conftest import ASKED, PASSWORD, configuration, device, fleet, ios


def audited(call: Call) -> list[tuple[str, str, dict[str, Any]]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(each.event_type, each.object, each.details) for each in reversed(call.rook.audit.list())]


def known(call: Call, *simulated: SimulatedDevice, **parts: Any) -> None:
    """Describe devices as r1, r2, …, and the login that all of them take."""
    call(credentials.create, "lab", "admin", password=PASSWORD)
    for number, each in enumerate(simulated, 1):
        call(devices.create, f"r{number}", "127.0.0.1", "ios", port=each.port, **parts)


def test_a_device_is_backed_up_and_a_change_is_a_version(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        first = call(service.capture, "r1")
        assert (first.status, first.version, first.added, first.removed) == ("changed", 1, 12, 0)
        again = call(service.capture, "r1")
        assert (again.status, again.version) == ("unchanged", 1)
        one.script = ios(text=configuration(more="ntp server 10.0.0.9\n").replace("to the core", "to r2"))
        changed = call(service.capture, "r1")
        assert (changed.status, changed.version, changed.added, changed.removed) == ("changed", 2, 2, 1)
    newest, oldest = call(store.versions, "r1")
    assert (newest.number, newest.lines, oldest.number, oldest.seen > oldest.taken) == (2, 13, 1, True)
    info = call(inventory.get, "r1")
    assert (info.last_backup, info.model, info.serial, info.version) == (
        "changed",
        "C9200L",
        "JAE1",
        "17.9.4a",
    )
    kinds = [
        (kind, details.get("changed")) for kind, what, details in audited(call) if kind.startswith("backup")
    ]
    assert kinds == [("backup.taken", True), ("backup.taken", False), ("backup.taken", True)]


def test_secrets_are_stored_sealed_and_revealed_on_record(call: Call, data_dir: Path) -> None:
    one = device(text=configuration(secret="topsecret77"))
    with fleet([one]):
        known(call, one)
        call(service.capture, "r1")
    shown = call(reading.text, "r1")
    assert "enable secret 9 <secret " in shown
    with pytest.raises(CredentialNotValid, match="Say why"):
        call(reading.reveal, "r1", "")
    assert "enable secret 9 topsecret77" in call(reading.reveal, "r1", "to restore it")
    kind, what, details = audited(call)[-1]
    assert (kind, what, details["reason"]) == ("configuration.revealed", "r1", "to restore it")
    for path in data_dir.rglob("*"):
        assert not path.is_file() or b"topsecret77" not in path.read_bytes()


def test_versions_are_got_by_number_by_time_and_counted_from_the_newest(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        for number in range(3):
            one.script = ios(text=configuration(more=f"ntp server 10.0.0.{number}\n"))
            call(service.capture, "r1")
    assert "10.0.0.1\n" in call(reading.text, "r1", 2)
    assert "10.0.0.1\n" in call(reading.text, "r1", -1)
    assert call(store.get, "r1", at=now()).number == 3
    with pytest.raises(VersionNotFound, match="r1 has no version 9"):
        call(store.get, "r1", 9)
    with pytest.raises(VersionNotFound, match="no version of 20"):
        call(store.get, "r1", at=now() - timedelta(days=1))
    with pytest.raises(VersionNotFound, match="never been backed up"):
        call(store.versions, "r2")
    assert [each.number for each in call(store.versions, "r1", limit=2, before=3)] == [2, 1]


def test_the_last_change_is_compared_unless_told_otherwise(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        for number in range(3):
            one.script = ios(text=configuration(more=f"ntp server 10.0.0.{number}\n"))
            call(service.capture, "r1")
    last = call(reading.compare, "r1")
    assert (last.old.number, last.new.number) == (2, 3)
    assert (last.difference.added, last.difference.removed) == (1, 1)
    assert [call(reading.compare, "r1", 1).old.number, call(reading.compare, "r1", 1, 2).new.number] == [1, 2]


def test_versions_outlive_their_device(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        call(service.capture, "r1")
    call(devices.delete, "r1")
    assert [each.number for each in call(store.versions, "R1")] == [1]
    assert "hostname r1" in call(reading.text, "r1")


@pytest.mark.parametrize(
    ("shown", "error"),
    [
        (configuration().removesuffix("end\n"), ConfigurationTruncated),
        ("% Internal error", ConfigurationTruncated),
    ],
)
def test_what_is_no_configuration_never_becomes_a_version(
    call: Call, shown: str, error: type[Exception]
) -> None:
    one = device(text=shown)
    with fleet([one]):
        known(call, one)
        with pytest.raises(error):
            call(service.capture, "r1")
    with pytest.raises(VersionNotFound):
        call(store.get, "r1")
    info = call(inventory.get, "r1")
    assert (info.last_backup, info.failed_in_row) == ("failed", 1)
    assert "end of the configuration is missing" in info.last_backup_error
    assert audited(call)[-1][0] == "backup.failed"


def test_a_configuration_that_has_shrunk_is_kept_when_that_is_said_to_be_right(call: Call) -> None:
    one = device(text=configuration(more="!\n" * 60))
    with fleet([one]):
        known(call, one)
        call(service.capture, "r1")
        one.script = ios()
        with pytest.raises(ConfigurationShrunk):
            call(service.capture, "r1")
        assert call(service.capture, "r1", accept_shrunken=True).version == 2


def test_a_connection_that_breaks_leaves_no_version(call: Call) -> None:
    one = device(closes_after="show running-config")
    with fleet([one]):
        known(call, one)
        with pytest.raises(DeviceHungUp):
            call(service.capture, "r1")
    with pytest.raises(VersionNotFound):
        call(store.get, "r1")


def test_a_device_with_another_host_key_gets_no_password(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        call(service.capture, "r1")
    logins = one.logins
    with fleet([one]):
        with pytest.raises(HostKeyChanged):
            call(service.capture, "r1")
        assert (one.logins, one.refused) == (logins, 0)
        assert call(devices.forget_host_keys, "127.0.0.1", one.port) == 1
        assert call(service.capture, "r1").status == "unchanged"
    trusted = [details["fingerprint"] for kind, _, details in audited(call) if kind == "host_key.trusted"]
    assert [each[:7] for each in trusted] == ["SHA256:", "SHA256:"]


def test_the_next_credential_is_tried_when_one_is_refused(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        call(credentials.create, "old", "admin", password="the one before 4", priority=1)
        call(service.capture, "r1")
    assert (one.refused, one.logins) == (1, 1)
    old, lab = call(credentials.get, "old"), call(credentials.get, "lab")
    assert (old.failure_count, old.failed_in_row, lab.success_count) == (1, 1, 1)


def test_no_more_credentials_are_tried_than_is_allowed(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        for number in range(5):
            call(
                credentials.create,
                f"wrong{number}",
                "admin",
                password=f"a wrong password {number}",
                priority=number,
            )
        with pytest.raises(LoginFailed, match="none of wrong0, wrong1, wrong2"):
            call(service.capture, "r1")
    assert one.refused == 3


def test_a_wrong_password_is_not_tried_on_every_device(call: Call) -> None:
    simulated = [device(f"r{number}") for number in range(1, 13)]
    with fleet(simulated):
        known(call, *simulated)
        call(credentials.update, "lab", password="a mistyped one 5")
        report = call(service.run)
        assert report.count("failed") == 12
        assert sum(each.refused for each in simulated) == 3
        with pytest.raises(NoCredential, match="Too many devices refuse lab"):
            call(service.capture, "r1")
        call(credentials.update, "lab", password=PASSWORD)
        assert call(service.run, failed_only=True).count("changed") == 12


def test_without_a_credential_that_fits_it_is_said_what_would(call: Call) -> None:
    one = device()
    with fleet([one]):
        call(credentials.create, "dmz", "admin", password=PASSWORD, tags=("dmz",))
        call(devices.create, "r1", "127.0.0.1", "ios", port=one.port)
        with pytest.raises(NoCredential, match="Its tags are default"):
            call(service.capture, "r1")
    assert one.refused == 0


def test_many_are_backed_up_beside_each_other_and_no_failure_is_anothers(call: Call, free_port: int) -> None:
    simulated = [device(f"r{number}") for number in range(1, 31)]
    heard: list[str] = []
    with fleet(simulated):
        known(call, *simulated)
        call(devices.create, "dead", "127.0.0.1", "ios", port=free_port)
        call(devices.update, "r30", enabled=False)
        report = call(service.run, on_device=lambda done: heard.append(done.device))
    assert {status: report.count(status) for status in ("changed", "failed", "skipped")} == {
        "changed": 29, "failed": 1, "skipped": 1,
    }  # fmt: skip
    assert [each.device for each in report.devices] == sorted(heard)
    assert {code: [each.device for each in failed] for code, failed in report.failures.items()} == {
        "device-refused": ["dead"]
    }
    assert len({each.serial for each in call(inventory.list_)}) == 2


@contextmanager
def nobody_answers() -> Iterator[int]:
    """A port whose queue is full: whoever dials it waits."""
    with socket.socket() as full, ExitStack() as callers:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(2):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def test_devices_that_do_not_answer_hold_up_nobody(sqlite_url: str, data_dir: Path) -> None:
    """Though their login has not been proven yet, and is tried on one device at a time."""
    heard: list[str] = []
    settings = Backups(connect_timeout=4.0)
    config = Config(data_dir=data_dir, database=Database(url=sqlite_url), backups=settings)
    one = device()
    with fleet([one]), nobody_answers() as port, rookery.open(config=config) as rook:
        rook.credentials.create("lab", "admin", password=PASSWORD)
        for number in range(6):
            rook.devices.create(f"dead{number}", "127.0.0.1", "ios", port=port)
        rook.devices.create("living", "127.0.0.1", "ios", port=one.port)
        report = rook.backups.run(on_device=lambda done: heard.append(done.device))
    assert heard[0] == "living"
    assert {code: len(failed) for code, failed in report.failures.items()} == {"device-unreachable": 6}


def test_a_device_that_keeps_failing_is_left_alone_unless_it_is_named(call: Call, free_port: int) -> None:
    call(credentials.create, "lab", "admin", password=PASSWORD)
    call(devices.create, "dead", "127.0.0.1", "ios", port=free_port)
    for _ in range(3):
        assert call(service.run).count("failed") == 1
    skipped = call(service.run).devices[0]
    assert (skipped.status, skipped.code) == ("skipped", "resting")
    assert "Failed 3 times in a row" in skipped.reason
    assert call(service.run, names=["dead"]).count("failed") == 1
    with call.rook.transaction() as session:
        session.execute(text("UPDATE device SET last_backup_us = last_backup_us - 3600000000"))
    assert call(service.run).count("failed") == 1


def test_a_disabled_device_is_not_backed_up(call: Call) -> None:
    call(devices.create, "r1", "127.0.0.1", "ios", enabled=False)
    with pytest.raises(DeviceDisabled):
        call(service.capture, "r1")


def test_current_configurations_are_searched(call: Call) -> None:
    simulated = [
        device("r1"),
        device("r2", text=configuration("r2", more="ip http server\n ip http secret\n")),
    ]
    with fleet(simulated):
        known(call, *simulated)
        call(service.run)
    assert call(reading.grep, r"^ip http server") == [("r2", 1, 12, "ip http server")]
    assert [(hit.device, hit.number) for hit in call(reading.grep, r"hostname r\d")] == [("r1", 4), ("r2", 4)]
    assert call(reading.grep, "hostname", "name:r1")[0].line == "hostname r1"
    assert len(call(reading.grep, ".", most=5)) == 5
    assert call(reading.grep, r"\$9\$") == []
    with pytest.raises(PatternNotValid):
        call(reading.grep, "(")


def test_devices_are_reached_without_anything_being_kept(call: Call, free_port: int) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        call(devices.create, "dead", "127.0.0.1", "ios", port=free_port)
        dead, there = call(reaching.reach)
    assert (there.status, there.reason, dead.status, dead.code) == (
        "unchanged",
        "r1#",
        "failed",
        "device-refused",
    )
    with pytest.raises(VersionNotFound):
        call(store.get, "r1")


def test_one_login_is_tested_whatever_its_tags_and_though_it_is_paused(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        call(credentials.create, "spare", "admin", password="a wrong spare 9", tags=("other",))
        for _ in range(4):
            (refused,) = call(reaching.reach, names=["r1"], credential="SPARE")
            assert (refused.status, refused.code) == ("failed", "login-failed")
        assert one.refused == 4
        call(credentials.update, "spare", password=PASSWORD)
        (taken,) = call(reaching.reach, names=["r1"], credential="spare")
        assert (taken.status, taken.reason) == ("unchanged", "r1#")
        with pytest.raises(CredentialNotFound):
            call(reaching.reach, names=["r1"], credential="sparse")


def test_a_device_in_no_inventory_is_shown_and_nothing_of_it_kept(call: Call, free_port: int) -> None:
    one = device()
    with fleet([one]):
        shown = call(service.peek, "127.0.0.1", "ios", "admin", PASSWORD, port=one.port)
    assert "enable secret 9 $9$abc" in shown
    assert call(inventory.count) == 0
    with pytest.raises(DeviceRefused):
        call(service.peek, "127.0.0.1", "ios", "admin", PASSWORD, port=free_port)


def test_another_key_opens_raw_configurations_before_the_old_one_goes(call: Call, data_dir: Path) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        call(service.capture, "r1")
    before = (data_dir / "keys" / "vault.key").read_bytes()
    call(credentials.rotate_key)
    assert "$9$abc" in call(reading.reveal, "r1", "both keys open")
    assert call(resealing.reseal) == 1
    assert call(resealing.rotate_out) == 1
    assert "$9$abc" in call(reading.reveal, "r1", "the new key opens")
    assert call(resealing.reseal) == 0
    (data_dir / "keys" / "vault.key").write_bytes(before)
    with pytest.raises(SealBroken):
        call(reading.reveal, "r1", "the old one does not")


def test_a_device_that_is_named_twice_is_backed_up_once(call: Call) -> None:
    one = device()
    with fleet([one]):
        known(call, one)
        report = call(service.run, names=["r1", "R1"])
    assert [(each.device, each.status) for each in report.devices] == [("r1", "changed")]
    assert one.logins == 1


def test_of_two_who_back_up_at_once_the_second_begins_when_the_first_has_ended(call: Call) -> None:
    one = device(answer_delay=0.1)
    with fleet([one]), ThreadPoolExecutor(2) as pool:
        known(call, one)
        done = [pool.submit(call.rook.backups.run, names=["r1"]) for _ in range(2)]
        found = sorted((each.status, each.code) for both in done for each in both.result().devices)
    assert found == [("changed", ""), ("unchanged", "")]
    assert [said for said in one.heard if said != "exit"] == ASKED * 2
    assert [each.number for each in call(store.versions, "r1")] == [1]

"""From an event to a message: written with it, delivered by workers, once, whatever happens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from rookery.base.clock import now
from rookery.domains.audit.events import AuditVerificationFailed
from rookery.domains.backups import service as backups
from rookery.domains.backups.events import BackupFailed
from rookery.domains.devices import service as devices
from rookery.domains.notifications import channels, delivering, ruling
from rookery.domains.notifications.rules import Quiet
from rookery.domains.scans.service import import_findings
from rookery.domains.settings import service as settings
from rookery.mechanisms.tasks.registry import TaskType
from rookery.mechanisms.tasks.rules import RetryPolicy
from rookery.mechanisms.tasks.service import submit_task
from rookery.mechanisms.transport.terminal.errors import DeviceRefused
from tests.conftest import Call
from tests.domains.backups.conftest import configuration, device, fleet, ios
from tests.domains.backups.test_service import known
from tests.domains.notifications.conftest import (
    Mailbox,
    Receiver,
    all_told,
    failed,
    history,
    hurry,
    recovered,
)
from tests.domains.scans.test_importing import record
from tests.patience import wait_for
from tests.workers import worker_process, working


def burn(*_: Any) -> None:
    """A task that fails."""
    raise ValueError("the pan is on fire")


BURNS = TaskType(name="burn", function=burn, retry=RetryPolicy(other=0))


@pytest.fixture
def own_types() -> Sequence[TaskType]:
    return (BURNS,)


def telling(call: Call, url: str, *kinds: str, kind: Any = "webhook", **how: Any) -> None:
    """A channel, and a rule that tells these kinds over it."""
    call(channels.create, "ops", kind, url)
    call(ruling.create, "all", kinds or ["backup.failed"], ["ops"], **how)


def documents(receiver: Receiver) -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for _, body in receiver.requests]


def test_what_happens_is_told_once_and_is_in_the_history(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url, "backup.failed", "backup.recovered")
    failed(call)
    recovered(call)
    (waiting, _) = history(call)
    assert (waiting.status, waiting.rule, waiting.channel, waiting.attempts) == ("waiting", "all", "ops", 0)
    told = all_told(call, 2)
    assert [(each.kind, each.subject, each.status) for each in told] == [
        ("backup.failed", "r1", "sent"),
        ("backup.recovered", "r1", "sent"),
    ]
    found = {each["subject"]: each for each in documents(receiver)}
    assert sorted(found) == ["r1 could not be backed up", "r1 is backed up again"]
    assert "It does not answer." in found["r1 could not be backed up"]["text"]
    call.rook.audit.flush()
    assert len(call.rook.audit.list(event_type="notifications.delivered")) == 2


def test_what_is_rolled_back_is_not_told(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)

    def fail() -> None:
        with call.rook.transaction():
            call.rook.emit(BackupFailed("r1", "id", "unreachable", "no", 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert history(call) == []
    assert call.rook.tasks.list() == []


def test_the_event_what_is_to_be_told_and_its_task_are_written_together(
    call: Call, receiver: Receiver
) -> None:
    telling(call, receiver.url)
    failed(call)
    (each,) = history(call)
    (task,) = call.rook.tasks.list()
    assert (task.id, task.type) == (each.task_id, "notifications.deliver")
    call.rook.audit.flush()
    types = [entry.event_type for entry in call.rook.audit.list(limit=2)]
    assert sorted(types) == ["backup.failed", "task.submitted"]


@pytest.mark.parametrize(
    "how",
    [{"severity": "high"}, {"subjects": ["core-*"]}],
    ids=["not bad enough", "another subject"],
)
def test_what_no_rule_wants_is_not_told(call: Call, receiver: Receiver, how: dict[str, Any]) -> None:
    telling(call, receiver.url, **how)
    failed(call)
    recovered(call)
    assert history(call) == []


def test_a_rule_or_channel_that_is_switched_off_tells_nothing(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)
    call(ruling.update, "all", is_enabled=False)
    failed(call)
    call(ruling.update, "all", is_enabled=True)
    call(channels.update, "ops", is_enabled=False)
    failed(call)
    assert history(call) == []


def test_a_channel_that_fails_is_tried_again(call: Call, receiver: Receiver) -> None:
    receiver.answers = [(503, {})]
    telling(call, receiver.url)
    failed(call)
    with working(call.rook):
        wait_for(lambda: history(call)[0].attempts == 1)
        assert (history(call)[0].status, "503" in history(call)[0].error) == ("waiting", True)
        hurry(call)
        wait_for(lambda: history(call)[0].status == "sent")
    (each,) = history(call)
    assert (each.attempts, each.error) == (2, "")
    first, second = documents(receiver)
    assert first["delivery"] == second["delivery"]


def test_a_channel_that_refuses_has_failed_and_can_be_tried_by_hand(call: Call, receiver: Receiver) -> None:
    receiver.answers = [(404, {})]
    telling(call, receiver.url, "backup.failed", "task.failed")
    failed(call)
    (each,) = all_told(call, 1)
    assert (each.status, "404" in each.error) == ("failed", True)
    call.rook.tasks.retry_task(str(each.task_id))
    with working(call.rook):
        wait_for(lambda: history(call)[0].status == "sent")
    assert len(history(call)) == 1  # that a delivery had failed was no news


def test_mail_goes_out_by_apprise(call: Call, mailbox: Mailbox) -> None:
    telling(call, mailbox.url, kind="apprise")
    failed(call, reason="It says <b>no</b>.")
    assert [each.status for each in all_told(call, 1)] == ["sent"]
    (mail,) = mailbox.mails
    assert (mail["Subject"], mail["To"]) == ("r1 could not be backed up", "noc@example.org")
    assert "It says <b>no</b>." in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_what_apprise_says_is_told_without_the_url(call: Call, mailbox: Mailbox) -> None:
    mailbox.refuses = True
    call(channels.create, "ops", "apprise", mailbox.url.replace("mailto://", "mailto://user22:passw0rd@"))
    with pytest.raises(Exception, match="Apprise could not send it") as raised:
        call(delivering.test, "ops")
    assert "passw0rd" not in str(raised.value) + repr(history(call))


def test_the_same_becomes_one_with_a_count(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)
    for number in (1, 2, 3):
        failed(call, in_row=number)
    failed(call, "r2")
    assert [(each.subject, each.count) for each in history(call)] == [("r1", 3), ("r2", 1)]
    all_told(call, 2)
    failed(call, in_row=4)  # within the window of what was told
    later = history(call)[-1]
    assert (later.status, later.count, later.due > later.born) == ("waiting", 1, True)
    failed(call, in_row=5)
    assert history(call)[-1].count == 2
    hurry(call)
    all_told(call, 3)
    assert len(receiver.requests) == 3
    assert "(2 times)" in documents(receiver)[-1]["text"]


def test_nothing_collapses_into_what_is_not_going_to_be_told(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)
    failed(call)
    call.rook.tasks.cancel_task(str(history(call)[0].task_id))
    failed(call)
    assert [(each.status, each.count) for each in history(call)] == [("failed", 1), ("waiting", 1)]


def test_without_a_window_each_is_told(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url, collapse=0)
    failed(call)
    failed(call)
    all_told(call, 2)
    assert len(receiver.requests) == 2


def test_a_digest_is_one_message(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url, digest=86_400)
    for name in ("r1", "r2", "r3"):
        failed(call, name)
    assert len({each.task_id for each in history(call)}) <= 2  # two, when midnight has just passed
    assert all(each.due > now() for each in history(call))
    hurry(call)
    all_told(call, 3)
    items = [item["subject"] for document in documents(receiver) for item in document["items"]]
    assert sorted(items) == ["r1", "r2", "r3"]
    assert documents(receiver)[0]["subject"].startswith("r1 could not be backed up")


def test_quiet_hours_hold_back_until_they_end_and_what_is_critical_breaks_them(
    call: Call, receiver: Receiver
) -> None:
    start, end = now() - timedelta(hours=2), now() + timedelta(hours=2)
    quiet = Quiet(start=f"{start:%H:%M}", end=f"{end:%H:%M}")
    telling(call, receiver.url, "backup.failed", "audit.failed", quiet=quiet)
    failed(call)
    failed(call, "r2")
    call(lambda rook: rook.emit(AuditVerificationFailed("audit log", 1, "entry 3 was edited")))
    with working(call.rook):
        wait_for(lambda: sum(each.due > now() for each in history(call)) == 2)
        wait_for(lambda: any(each.status == "sent" for each in history(call)))
    assert [document["subject"] for document in documents(receiver)] == [
        "The audit log is not what was written"
    ]
    held = [each for each in history(call) if each.status == "waiting"]
    assert {f"{each.due:%H:%M}" for each in held} == {quiet.end}
    call(ruling.update, "all", quiet=None)
    hurry(call)
    all_told(call, 3)
    assert len(receiver.requests) == 2  # both together, at the end


def test_the_difference_of_a_change_is_in_the_message_without_secrets(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url, "backup.changed")
    call(settings.update_value, "backups.redaction", "keep")
    one = device(text=configuration(secret="topsecret77"))
    with fleet([one]):
        known(call, one)
        call(backups.capture, "r1")
        one.script = ios(text=configuration(secret="topsecret88", more="ntp server 10.0.0.9\n"))
        call(backups.capture, "r1")
    all_told(call, 1)
    (document,) = documents(receiver)
    assert document["subject"].startswith("r1 has changed: +2 -1")
    assert "+ntp server 10.0.0.9" in document["items"][0]["diff"].splitlines()
    assert "+ntp server 10.0.0.9" in document["text"]
    assert "topsecret" not in msgspec.json.encode(document).decode()


def test_a_backup_that_fails_and_one_that_works_again_are_told(
    call: Call, receiver: Receiver, free_port: int
) -> None:
    telling(call, receiver.url, "backup.failed", "backup.recovered")
    one = device()
    with fleet([one]):
        known(call, one)
        call(devices.update, "r1", port=free_port)
        with pytest.raises(DeviceRefused):
            call(backups.capture, "r1")
        call(devices.update, "r1", port=one.port)
        call(backups.capture, "r1")
    assert [each.kind for each in history(call)] == ["backup.failed", "backup.recovered"]


def test_what_a_run_has_found_is_told_once(call: Call, receiver: Receiver, tmp_path: Path) -> None:
    telling(call, receiver.url, "finding.new", severity="high")
    file = tmp_path / "found.jsonl"
    records = [record(word, info={"name": word, "severity": word}) for word in ("high", "info")]
    file.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    call(import_findings, file)
    call(import_findings, file)
    (each,) = all_told(call, 1)
    assert (each.kind, each.severity) == ("finding.new", "high")
    (document,) = documents(receiver)
    assert document["subject"].startswith("1 new in default: 1 high")


def test_a_task_that_has_failed_and_a_worker_that_is_gone_are_told(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url, "task.failed", "worker.lost")
    call(submit_task, "burn")
    with worker_process(call.rook) as process:
        wait_for(lambda: bool(call.rook.tasks.health().workers))
        process.kill()
        process.wait()
    with working(call.rook, types=[BURNS]):
        wait_for(lambda: {each.kind for each in history(call)} == {"task.failed", "worker.lost"})
        wait_for(lambda: all(each.status == "sent" for each in history(call)))
    assert "the pan is on fire" in "".join(document["text"] for document in documents(receiver))
    assert len(receiver.requests) == 2


def test_a_worker_that_is_killed_while_it_delivers_loses_nothing(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)
    failed(call)
    receiver.opens.clear()
    with worker_process(call.rook) as process:
        wait_for(lambda: bool(receiver.requests))
        process.kill()
        process.wait()
    receiver.opens.set()
    (each,) = all_told(call, 1)
    assert each.status == "sent"
    assert len({document["delivery"] for document in documents(receiver)}) == 1


def test_what_has_no_task_is_found_and_told(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)
    failed(call)
    with call.rook.transaction() as session:
        session.execute(text("DELETE FROM task"))
        session.execute(text("UPDATE notification SET due_us = due_us - 120000000"))
    delivering.look_after(call.rook)
    assert [each.status for each in all_told(call, 1)] == ["sent"]


def test_what_was_told_long_ago_is_forgotten(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)
    failed(call)
    all_told(call, 1)
    failed(call, "r2")
    with call.rook.transaction() as session:
        session.execute(text("UPDATE notification SET born_us = born_us - 100 * 86400000000"))
    delivering.look_after(call.rook)
    assert [each.subject for each in history(call)] == ["r2"]  # it waits for its task


def test_the_history_goes_by_pages_and_by_channel_and_rule(call: Call, receiver: Receiver) -> None:
    telling(call, receiver.url)
    call(delivering.test, "ops")
    failed(call)
    newest, test = call(delivering.history, channel="ops")
    assert [each.kind for each in call(delivering.history, rule="all")] == ["backup.failed"]
    assert call(delivering.history, limit=1) == [newest]
    assert call(delivering.history, before=newest.id) == [test]
    assert (test.rule, test.status) == (None, "sent")


def test_the_address_of_this_house_is_at_the_end_when_it_is_known(call: Call, receiver: Receiver) -> None:
    call(settings.update_value, "notifications.base_url", "https://rookery.example")
    call(channels.create, "ops", "webhook", receiver.url)
    call(delivering.test, "ops")
    assert documents(receiver)[0]["text"].endswith("https://rookery.example\n")

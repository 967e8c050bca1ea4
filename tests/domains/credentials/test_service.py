"""Keeping, changing, matching and revealing logins, in both worlds and on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rookery.base.clock import now
from rookery.base.redact import redact_text
from rookery.domains.backups.resealing import rotate_out
from rookery.domains.credentials import service
from rookery.domains.credentials.errors import (
    CredentialChanged,
    CredentialExists,
    CredentialNotFound,
    CredentialNotValid,
)
from rookery.domains.credentials.rules import FAILURES, PAUSE, Secret
from rookery.domains.devices import service as devices
from rookery.mechanisms.vault.errors import SealBroken
from tests.conftest import Call

PASSWORD = "correct horse 42"


def audited(call: Call) -> list[tuple[str, str, dict[str, Any]]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(each.event_type, each.object, each.details) for each in reversed(call.rook.audit.list())]


def stored(call: Call) -> str:
    with call.rook.reading() as session:
        rows = session.execute(text("SELECT * FROM credential")).all()
        entries = session.execute(text("SELECT * FROM audit_entry")).all()
    return repr(
        [[bytes(cell) if isinstance(cell, memoryview) else cell for cell in row] for row in (*rows, *entries)]
    )


def test_a_login_is_kept_and_shown_without_its_secrets(call: Call) -> None:
    made = call(service.create, "Lab", "admin", password=PASSWORD, enable="enable 43", tags=("Core",))
    assert (made.name, made.username, made.tags, made.priority) == ("Lab", "admin", ("core",), 100)
    assert (made.has_password, made.has_private_key, made.has_enable) == (True, False, True)
    assert (made.success_count, made.failure_count, made.success_rate) == (0, 0, None)
    assert call(service.get, "lab") == call(service.get, made.id) == made == call(service.list_)[0]
    audited(call)
    assert PASSWORD not in stored(call)
    assert "enable 43" not in stored(call)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"password": ""}, "a password, or a private key"),
        ({"password": "two\nlines"}, "password is one line"),
        ({"name": "../x"}, "name"),
        ({"username": "a\x1bb"}, "username is one line"),
        ({"priority": 1001}, "priority goes from 0"),
        ({"private_key": "k" * 20_001}, "private_key has at most"),
    ],
)
def test_what_is_not_valid_is_named_and_no_secret_is_told(
    call: Call, parts: dict[str, Any], said: str
) -> None:
    whole = {"name": "lab", "username": "admin", "password": PASSWORD, **parts}
    with pytest.raises(CredentialNotValid, match=said) as refused:
        call(service.create, whole.pop("name"), whole.pop("username"), **whole)
    assert "two" not in str(refused.value)


def test_what_is_given_is_changed_and_the_rest_stays(call: Call) -> None:
    seen = call(service.create, "lab", "admin", password=PASSWORD, tags=("core",))
    changed = call(service.update, "lab", username="root", priority=5)
    assert (changed.username, changed.priority, changed.tags, changed.revision) == ("root", 5, ("core",), 2)
    assert call(service.reveal, "lab", "a test") == Secret(PASSWORD)
    assert call(service.update, "lab", username="root") == changed
    with pytest.raises(CredentialChanged):
        call(service.update, "lab", username="x", revision=seen.revision)
    with pytest.raises(CredentialNotValid, match="no colour"):
        call(service.update, "lab", colour="red")
    with pytest.raises(CredentialNotValid, match="a password, or"):
        call(service.update, "lab", password="")
    assert call(service.reveal, "lab", "a test") == Secret(PASSWORD)


def test_a_name_is_taken_in_every_case(call: Call) -> None:
    call(service.create, "lab", "admin", password=PASSWORD)
    call(service.create, "dmz", "admin", password=PASSWORD)
    with pytest.raises(CredentialExists):
        call(service.create, "LAB", "admin", password=PASSWORD)
    with pytest.raises(CredentialExists):
        call(service.update, "dmz", name="Lab")
    assert call(service.update, "lab", name="Lab").name == "Lab"


def test_credentials_fit_by_tags_and_are_tried_by_priority(call: Call) -> None:
    call(devices.create, "r1", "10.0.0.1", "ios", tags=("core", "dc1"))
    call(devices.create, "r2", "10.0.0.2", "ios")
    call(service.create, "all", "a", password=PASSWORD)
    call(service.create, "core", "b", password=PASSWORD, tags=("core",))
    call(service.create, "core of dc1", "c", password=PASSWORD, tags=("core", "dc1"))
    call(service.create, "first", "d", password=PASSWORD, tags=("dc1",), priority=1)
    call(service.create, "dmz", "e", password=PASSWORD, tags=("dmz",), priority=0)
    assert [each.name for each in call(service.fitting_device, "r1")] == [
        "first",
        "core of dc1",
        "all",
        "core",
    ]
    assert [each.name for each in call(service.fitting_device, "r2")] == ["all"]


def test_successes_and_failures_are_counted_and_failures_in_a_row_pause(call: Call) -> None:
    id_ = call(service.create, "lab", "admin", password=PASSWORD).id
    call(service.note_use, id_, was_taken=True)
    for _ in range(FAILURES):
        call(service.note_use, id_, was_taken=False)
    info = call(service.get, "lab")
    assert (info.success_count, info.failure_count, info.failed_in_row) == (1, FAILURES, FAILURES)
    assert info.success_rate == pytest.approx(1 / (1 + FAILURES))
    assert info.is_paused(now())
    assert not info.is_paused(now() + PAUSE + timedelta(seconds=1))
    call(service.update, "lab", password="another one")
    assert not call(service.get, "lab").is_paused(now())
    call(service.note_use, "gone", was_taken=True)


def test_whoever_reveals_a_secret_says_why_and_is_recorded(call: Call) -> None:
    call(service.create, "lab", "admin", password=PASSWORD, private_key="KEY\n")
    with pytest.raises(CredentialNotValid, match="Say why"):
        call(service.reveal, "lab", " ")
    assert call(service.reveal, "lab", "the vendor is on the phone") == Secret(PASSWORD, "KEY\n")
    assert "Secret(***)" in repr(Secret(PASSWORD))
    kind, what, details = audited(call)[-1]
    assert (kind, what, details["reason"]) == ("credential.revealed", "lab", "the vendor is on the phone")
    assert PASSWORD not in stored(call)


def test_what_is_opened_to_log_in_with_appears_nowhere(call: Call) -> None:
    call(service.create, "lab", "admin", password="rarely used 77", enable="even less 78")
    (found,) = call(service.opened)
    assert (found.info.name, found.secret) == ("lab", Secret("rarely used 77", "", "even less 78"))
    assert redact_text("login rarely used 77 and even less 78") == "login *** and ***"


def test_another_key_opens_all_and_the_old_one_nothing(call: Call, data_dir: Path) -> None:
    call(service.create, "lab", "admin", password=PASSWORD)
    call(service.create, "dmz", "admin", password=PASSWORD)
    before = (data_dir / "keys" / "vault.key").read_bytes()
    assert call(service.rotate_key) == 2
    assert call(service.rotate_key, reseal_only=True) == 0
    assert call(rotate_out) == 1
    assert call(service.reveal, "lab", "a test") == Secret(PASSWORD)
    (data_dir / "keys" / "vault.key").write_bytes(before)
    with pytest.raises(SealBroken):
        call(service.get, "lab")


def test_a_secret_in_another_row_does_not_open(call: Call) -> None:
    call(service.create, "mine", "admin", password=PASSWORD)
    call(service.create, "theirs", "admin", password="theirs 99")
    with call.rook.transaction() as session:
        session.execute(
            text(
                "UPDATE credential SET secret = (SELECT secret FROM credential WHERE called = 'theirs') "
                "WHERE called = 'mine'"
            )
        )
    with pytest.raises(SealBroken):
        call(service.reveal, "mine", "a test")


def test_a_login_is_forgotten(call: Call) -> None:
    call(service.create, "lab", "admin", password=PASSWORD)
    call(service.delete, "LAB")
    with pytest.raises(CredentialNotFound, match="credentials list"):
        call(service.get, "lab")
    assert [kind for kind, _, _ in audited(call)] == ["credential.created", "credential.deleted"]

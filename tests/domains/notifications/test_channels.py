"""Keeping, changing and revealing channels and rules, in both worlds and on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from rookery.domains.backups.resealing import rotate_out
from rookery.domains.credentials import service as credentials
from rookery.domains.notifications import channels, ruling
from rookery.domains.notifications.errors import (
    ChannelChanged,
    ChannelExists,
    ChannelInUse,
    ChannelNotFound,
    ChannelNotValid,
    RuleChanged,
    RuleExists,
    RuleNotFound,
    RuleNotValid,
)
from rookery.domains.notifications.rules import Quiet
from rookery.domains.notifications.store import Address
from rookery.mechanisms.vault.errors import SealBroken
from tests.conftest import Call

URL = "https://hooks.example.org/services/T0KENT0KEN"
SECRET = "a secret of sixteen"


def audited(call: Call) -> list[tuple[str, str, dict[str, Any]]]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [(each.event_type, each.object, each.details) for each in reversed(call.rook.audit.list())]


def ops(call: Call, **more: Any) -> Any:
    return call(channels.create, "Ops", "webhook", URL, secret=SECRET, **more)


def test_a_channel_is_kept_and_shown_without_its_secrets(call: Call, data_dir: Path) -> None:
    made = ops(call)
    assert (made.name, made.kind, made.url) == ("Ops", "webhook", "https://hooks.example.org/***")
    assert call(channels.get, "ops") == call(channels.get, made.id) == made == call(channels.list_)[0]
    assert audited(call) == [
        ("notification_channel.created", "Ops", {"channel_id": made.id, "kind": "webhook"})
    ]
    for path in data_dir.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"T0KENT0KEN" not in content
        assert SECRET.encode() not in content
    assert call(channels.reveal, "ops", "to set it up") == Address(URL, SECRET)
    assert audited(call)[-1][0] == "notification_channel.revealed"
    with pytest.raises(ChannelNotValid, match="Say why"):
        call(channels.reveal, "ops", " ")


def test_a_secret_is_made_unless_it_is_given(call: Call) -> None:
    call(channels.create, "ops", "webhook", URL)
    assert len(call(channels.reveal, "ops", "a test").secret) > 40


@pytest.mark.parametrize(
    ("kind", "url", "more", "said"),
    [
        ("pigeon", URL, {}, "webhook or apprise"),
        ("apprise", URL, {}, "add it as one"),
        ("apprise", "nothing://x", {}, "knows no such URL"),
        ("apprise", "slack", {}, "knows no such URL"),
        ("apprise", "gotify://169.254.169.254/T0KEN", {}, "its own"),
        ("apprise", "gotify://[::ffff:a9fe:a9fe]/T0KEN", {}, "its own"),
        ("apprise", "gotify://metadata.google.internal/T0KEN", {}, "its own"),
        ("webhook", URL, {"secret": "short"}, "at least 16"),
        ("webhook", URL + "x" * 2_000, {}, "at most 2,000"),
        ("webhook", URL, {"text": "{{ items.x }}"}, "text: the template"),
    ],
)
def test_what_is_no_channel_says_why_and_not_its_url(
    call: Call, kind: Any, url: str, more: dict[str, str], said: str
) -> None:
    with pytest.raises(ChannelNotValid, match=said) as refused:
        call(channels.create, "ops", kind, url, **more)
    assert "T0KEN" not in str(refused.value)
    assert call(channels.list_) == []


def test_what_is_given_is_changed_and_the_rest_stays(call: Call) -> None:
    made = ops(call)
    changed = call(channels.update, "ops", subject="{{ items[0].title }}", is_enabled=False)
    assert (changed.subject, changed.is_enabled, changed.revision) == ("{{ items[0].title }}", False, 2)
    assert call(channels.update, "ops", url="https://b.example/y").url == "https://b.example/***"
    assert call(channels.reveal, "ops", "a test") == Address("https://b.example/y", SECRET)
    with pytest.raises(ChannelChanged):
        call(channels.update, "ops", text="x", revision=made.revision)
    with pytest.raises(ChannelNotValid, match="no colour"):
        call(channels.update, "ops", colour="red")
    call(channels.create, "dmz", "webhook", URL)
    with pytest.raises(ChannelExists):
        call(channels.update, "dmz", name="OPS")
    with pytest.raises(ChannelExists):
        ops(call)


def test_a_channel_that_rules_use_stays(call: Call) -> None:
    ops(call)
    call(ruling.create, "nights", ["backup.failed"], ["ops"])
    with pytest.raises(ChannelInUse, match="used by nights"):
        call(channels.delete, "ops")
    call(ruling.delete, "nights")
    call(channels.delete, "ops")
    with pytest.raises(ChannelNotFound):
        call(channels.get, "ops")


def test_another_key_seals_channels_too(call: Call) -> None:
    ops(call)
    call(credentials.rotate_key)
    assert call(channels.reseal) == 1
    assert call(channels.reseal) == 0
    call(rotate_out)
    assert call(channels.reveal, "ops", "a test").url == URL


def test_a_rule_names_its_channels(call: Call) -> None:
    ops(call)
    quiet = Quiet(start="22:00", end="07:00", zone="Europe/Berlin")
    made = call(
        ruling.create, "Nights", ["backup.failed", "finding.new"], ["OPS", "ops"], severity="high",
        subjects=["core-*"], quiet=quiet, digest=3600,
    )  # fmt: skip
    assert (made.channels, made.kinds, made.quiet) == (("Ops",), ("backup.failed", "finding.new"), quiet)
    assert call(ruling.get, "nights") == made == call(ruling.list_)[0]
    with pytest.raises(RuleExists):
        call(ruling.create, "NIGHTS", ["backup.failed"], ["ops"])
    with pytest.raises(ChannelNotFound):
        call(ruling.create, "days", ["backup.failed"], ["nobody"])
    with pytest.raises(RuleNotValid, match="is not told"):
        call(ruling.create, "days", ["backup.exploded"], ["ops"])


def test_of_a_rule_what_is_given_is_changed(call: Call) -> None:
    ops(call)
    made = call(ruling.create, "nights", ["backup.failed"], ["ops"], digest=3600)
    changed = call(ruling.update, "nights", severity="high", is_enabled=False, quiet=None)
    assert (changed.severity, changed.is_enabled, changed.digest, changed.revision) == (
        "high",
        False,
        3600,
        2,
    )
    assert audited(call)[-1][2]["changed"] == ["severity", "is_enabled"]
    assert call(ruling.update, "nights", severity="high") == changed
    with pytest.raises(RuleChanged):
        call(ruling.update, "nights", digest=1, revision=made.revision)
    with pytest.raises(RuleNotValid, match="no colour"):
        call(ruling.update, "nights", colour="red")
    with pytest.raises(RuleNotValid):
        call(ruling.update, "nights", digest=-1)
    call(ruling.delete, "nights")
    with pytest.raises(RuleNotFound):
        call(ruling.update, "nights", digest=1)


def test_what_is_stored_of_a_channel_opens_in_its_own_row_alone(call: Call) -> None:
    ops(call)
    call(channels.create, "other", "webhook", URL)
    with call.rook.transaction() as session:
        first = session.execute(text("SELECT sealed FROM notification_channel WHERE name = 'Ops'")).scalar()
        session.execute(
            text("UPDATE notification_channel SET sealed = :sealed WHERE name = 'other'"), {"sealed": first}
        )
    with pytest.raises(SealBroken):
        call(channels.reveal, "other", "a test")

"""An operator sets up notifications, and a webhook gets what a worker sends."""

from __future__ import annotations

import json
from pathlib import Path

from tests.domains.notifications.conftest import Receiver, receiver

from .conftest import Rookery

__all__ = ["receiver"]

FAILING = ("devices", "add", "r1", "127.0.0.1", "--platform", "ios", "--port", "1")


def test_a_channel_and_a_rule_are_kept_and_a_failed_backup_arrives(
    rookery: Rookery, receiver: Receiver, tmp_path: Path
) -> None:
    url = tmp_path / "url"
    url.write_text(f"{receiver.url}\n", encoding="utf-8")
    added = rookery("notifications", "channels", "add", "ops", "--webhook", "--url-file", str(url))
    assert (added.returncode, "rookery notifications test ops" in added.stderr) == (0, True)
    shown = [
        rookery("notifications", "channels", what, *more).stdout
        for what, more in (("list", ()), ("show", ("ops",)), ("list", ("--json",)))
    ]
    assert all("t0ken" not in each and "/***" in each for each in shown)
    assert rookery("notifications", "test", "ops").returncode == 0
    assert len(receiver.requests) == 1
    made = rookery(
        "notifications", "rules", "add", "nights", "--on", "backup.failed", "--to", "ops",
        "--quiet-hours", "none", "--digest", "0s",
    )  # fmt: skip
    assert "nights: backup.failed to ops, at once." in made.stderr
    rookery("credentials", "add", "lab", "--username", "admin", "--password-file", "-", stdin="pw of lab\n")
    assert rookery(*FAILING).returncode == 0
    assert rookery("backup", "r1").returncode != 0
    assert json.loads(rookery("notifications", "history", "--json").stdout)["items"][0]["status"] == "waiting"
    assert rookery("worker", "--drain").returncode == 0
    assert "r1 could not be backed up" in rookery("notifications", "history").stdout
    assert json.loads(receiver.requests[-1][1])["items"][0]["kind"] == "backup.failed"
    in_use = rookery("notifications", "channels", "remove", "ops", "--yes")
    assert (in_use.returncode, "used by nights" in in_use.stderr) == (6, True)
    assert rookery("notifications", "rules", "remove", "nights", "--yes").returncode == 0


def test_what_is_missing_or_wrong_is_said(rookery: Rookery) -> None:
    for arguments, said in (
        (("channels", "add", "ops"), "--webhook or --apprise"),
        (("channels", "add", "ops", "--webhook"), "--url-file"),
        (("rules", "add", "nights"), "--on KIND --to CHANNEL"),
        (("rules", "add", "n", "--on", "backup.failed", "--to", "x", "--quiet-hours", "22"), "22:00-07:00"),
        (
            ("rules", "add", "n", "--on", "backup.failed", "--to", "x", "--zone", "UTC"),
            "go with --quiet-hours",
        ),
        (("channels", "update", "ops"), "what is to change"),
        (("test", "nobody"), "no channel nobody"),
    ):
        result = rookery("notifications", *arguments)
        assert result.returncode != 0
        assert said in " ".join(result.stderr.split()), result.stderr

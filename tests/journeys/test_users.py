"""`rookery users` and `rookery tokens`, as a person and a program meet them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyotp

from rookery.base.clock import now
from tests.journeys.conftest import Rookery
from tests.patience import PATIENCE

Answers = Sequence[tuple[str, Callable[[str], str]]]

PASSWORD = "correct battery 42\n"


def loaded(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def test_users_are_added_looked_at_changed_and_removed(rookery: Rookery) -> None:
    assert "rookery users add NAME --role admin" in rookery("users", "list").stderr
    assert rookery("users", "add", "ada").returncode == 2
    made = rookery("users", "add", "ada", "--role", "admin", "--password-stdin", "--json", stdin=PASSWORD)
    assert (loaded(made.stdout)["username"], loaded(made.stdout)["role"]) == ("ada", "admin")
    assert rookery("users", "add", "ADA", "--no-password").returncode == 6
    assert rookery("users", "add", "bot", "--no-password").stderr == "bot: viewer. Added.\n"
    weak = rookery("users", "add", "eve", "--password-stdin", stdin="admin123\n")
    assert (weak.returncode, "12 to 1024 characters" in weak.stderr) == (2, True)
    assert [line.split()[:2] for line in rookery("users", "list").stdout.splitlines()[1:]] == [
        ["ada", "admin"],
        ["bot", "viewer"],
    ]
    assert loaded(rookery("users", "list", "role:admin", "--json").stdout)["items"] == [loaded(made.stdout)]
    assert rookery("users", "list", "--limit", "1").stderr == "1 more: --limit 2\n"
    assert rookery("users", "edit", "bot").returncode == 2
    changed = rookery("users", "edit", "bot", "--rename", "robot", "--email", "bot@example.org", "--disable")
    assert changed.stderr == "robot: viewer, disabled. Changed.\n"
    shown = rookery("users", "show", "robot").stdout
    assert "email          bot@example.org\n" in shown
    assert "none: nobody logs in" in shown
    rookery("users", "edit", "robot", "--email", "")
    assert loaded(rookery("users", "show", "robot", "--json").stdout)["email"] is None
    last = rookery("users", "edit", "ada", "--role", "viewer")
    assert (last.returncode, "make another user an admin first" in last.stderr) == (6, True)
    assert rookery("users", "remove", "robot").returncode == 2
    assert rookery("users", "remove", "robot", "--yes").returncode == 0
    assert rookery("users", "show", "robot").returncode == 5
    renewed = rookery("users", "password", "ada", "--password-stdin", stdin=PASSWORD)
    assert "logged out everywhere" in renewed.stderr
    assert rookery("users", "password", "ada").returncode == 2
    assert "ada is logged in nowhere." in rookery("users", "sessions", "ada").stderr
    assert rookery("users", "sessions", "ada", "--end", "0000").returncode == 5
    assert "0 sessions" in rookery("users", "sessions", "ada", "--end-all").stderr


def on_a_keyboard(environment: dict[str, str], data: Path, *arguments: str, answers: Answers) -> str:
    """What a command shows on a terminal where somebody answers what it asks."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rookery", "--data-dir", str(data), *arguments]
    process = subprocess.Popen(
        command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown, waiting = "", list(answers)
    with suppress(OSError):  # Linux says so when the other end has closed
        while chunk := os.read(ours, 65536):
            shown += chunk.decode(errors="replace")
            while waiting and waiting[0][0] in shown:
                _, answer = waiting.pop(0)
                os.write(ours, f"{answer(shown)}\n".encode())
    assert process.wait(timeout=PATIENCE) == 0, shown
    os.close(ours)
    return shown


def test_whoever_is_there_is_asked(environment: dict[str, str], tmp_path: Path) -> None:
    def password(_shown: str) -> str:
        return PASSWORD.strip()

    def code(shown: str) -> str:
        return pyotp.TOTP(re.findall(r"secret: (\w+)", shown)[0]).at(now())

    answers = [("Password: ", password), ("Repeat for confirmation: ", password)]
    shown = on_a_keyboard(environment, tmp_path / "data", "users", "add", "ada", answers=answers)
    assert "ada: viewer. Added." in shown
    assert PASSWORD.strip() not in shown
    shown = on_a_keyboard(
        environment, tmp_path / "data", "users", "totp", "ada", answers=[("Code that the app shows: ", code)]
    )
    assert len(re.findall(r"^(?:[a-z2-7]{4}-){3}[a-z2-7]{4}\r$", shown, re.MULTILINE)) == 10


def test_the_first_admin_may_be_made_by_a_link(rookery: Rookery) -> None:
    link = rookery("users", "setup-link", "--url", "https://rookery.example/").stdout
    assert link.startswith("https://rookery.example/setup?token=")
    assert loaded(rookery("users", "setup-link", "--json").stdout)["url"].startswith("http://127.0.0.1:8470/")
    rookery("users", "add", "ada", "--no-password")
    assert rookery("users", "setup-link").returncode == 6


def test_a_second_factor_is_begun_confirmed_and_given_up(rookery: Rookery) -> None:
    rookery("users", "add", "ada", "--password-stdin", stdin=PASSWORD)
    begun = loaded(rookery("users", "totp", "ada", "--json").stdout)
    code = pyotp.TOTP(begun["secret"]).at(now())
    assert rookery("users", "totp", "ada", "--confirm", "nothing").returncode == 2
    confirmed = rookery("users", "totp", "ada", "--confirm", code)
    assert len(confirmed.stdout.split()) == 10
    assert "second factor  yes" in rookery("users", "show", "ada").stdout
    assert rookery("users", "totp", "ada", "--disable").returncode == 2
    assert rookery("users", "totp", "ada", "--disable", "--confirm", code).returncode == 2
    assert rookery("users", "totp", "ada", "--disable", "--yes").returncode == 0
    again = rookery("users", "totp", "ada")
    assert again.stdout.startswith("otpauth://totp/Rookery:ada?secret=")
    assert "--confirm CODE" in again.stderr


def test_a_token_is_shown_once_listed_and_revoked(rookery: Rookery) -> None:
    rookery("users", "add", "bot", "--no-password")
    assert "rookery tokens create" in rookery("tokens", "list").stderr
    made = rookery("tokens", "create", "bot", "nightly", "--scope", "devices:read", "--expires", "1h")
    text = made.stdout.strip()
    assert "not shown again" in made.stderr
    listed = rookery("tokens", "list", "--user", "bot").stdout
    assert listed.splitlines()[1].split()[:4] == [text[:11], "nightly", "bot", "devices:read"]
    assert text not in listed + rookery("audit", "list", "--json").stdout
    as_json = loaded(rookery("tokens", "create", "bot", "other", "--scope", "scans:*", "--json").stdout)
    assert as_json["secret"].startswith(as_json["token"]["prefix"])
    assert len(loaded(rookery("tokens", "list", "--json").stdout)["items"]) == 2
    assert rookery("tokens", "create", "bot", "x", "--scope", "devices:fly").returncode == 2
    assert rookery("tokens", "revoke", text[:11]).returncode == 0
    assert rookery("tokens", "revoke", text[:11]).returncode == 5

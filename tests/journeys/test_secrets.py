"""What is secret is in no file, no line of output, no log and no export, whatever the commands do with it."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from rookery import app
from rookery.base.redact import MASK, register_secret
from tests.journeys.servers import served
from tests.mechanisms.transport.hostile import says

DATABASE_PASSWORD = "db-Pa55word-7f3e"
MONGODB_PASSWORD = "mongo-Pa55word-91c"
REGISTERED = "registered-value-44ab"
BY_KEY = "by-the-name-of-its-key-77"
IN_TARGET = "user-info-Pa55word-03"

LEAKY_TEMPLATE = """\
id: leaks
info: {name: It leaks, author: a, severity: high}
http:
- method: GET
  path: ['{{BaseURL}}/']
  extractors:
  - {type: regex, part: all, regex: ['registered[^ \\r\\n]+', 'mongodb://[^ \\r\\n]+']}
"""
LEAKY_ANSWER = (
    b"HTTP/1.1 200 OK\r\nAuthorization: Bearer registered-value-44ab\r\nConnection: close\r\n\r\n"
    b"mongodb://app:mongo-Pa55word-91c@db.example/app\r\n"
)

HOOKS = f"""
import logging
from rookery.base.redact import register_secret

register_secret({REGISTERED!r})

def on_item(runner, item):
    logging.getLogger("acme").warning("looking at %s with %s", {REGISTERED!r}, item)
    return item

def on_end(runner):
    raise ValueError("at the end: " + {REGISTERED!r})
"""


def spellings(secret: str) -> list[bytes]:
    """A secret as it is, and encoded: whole three-byte groups of base64 are found wherever they begin."""
    return [secret.encode(), base64.b64encode(secret.encode())[:-4]]


def assert_silent(secrets: list[str], said: dict[str, bytes]) -> None:
    for place, data in said.items():
        for secret in secrets:
            assert not any(spelt in data for spelt in spellings(secret)), f"{secret} is in {place}"


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_secret_is_in_any_file_output_or_log(environment: dict[str, str], tmp_path: Path) -> None:
    """Settings, hooks, targets and answers hold one each, and every command runs as talkative as it can."""
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "leaks.yaml").write_text(LEAKY_TEMPLATE)
    data = tmp_path / "data"
    settings = {
        "ROOKERY_MONGODB__URL": f"mongodb://rookery:{MONGODB_PASSWORD}@127.0.0.1:9/x",
        "ROOKERY_HOOKS__MODULES": str(tmp_path / "hooks.py"),
        "ROOKERY_LOGGING__FORMAT": "json",
    }
    said: dict[str, bytes] = {}

    def run(*arguments: str, **more: str) -> None:
        command = [sys.executable, "-m", "rookery", "--debug", "-vv", "--data-dir", str(data), *arguments]
        done = subprocess.run(
            command, capture_output=True, env=environment | settings | more, cwd=tmp_path, timeout=120
        )
        assert done.returncode != 0 or done.stdout + done.stderr, arguments
        said[" ".join(arguments)] = done.stdout + done.stderr

    with served(says(LEAKY_ANSWER)) as [port]:
        for form in ("--jsonl", "--json"):
            run("scan", f"http://127.0.0.1:{port}", "-t", str(tmp_path / "leaks.yaml"), form)
        run("scan", f"http://user:{IN_TARGET}@127.0.0.1:{port}")
        run("scan", f"http://user:{IN_TARGET}@192.0.2.1:{port}")
    run("scope", "add", f"http://user:{IN_TARGET}@192.0.2.1/")
    run("findings", "list", "--json")
    run("audit", "list", "--json")
    run("audit", "export", "--jsonl")
    run("settings", "get", "--origin")
    run("settings", "get", "--json")
    run("doctor", "--json", ROOKERY_MONGODB__ENABLED="true")
    for url in (f"postgresql://u:{DATABASE_PASSWORD}@127.0.0.1:9/x", f"mysql://u:{DATABASE_PASSWORD}@h/x"):
        run("scope", "list", ROOKERY_DATABASE__URL=url)
        run("doctor", ROOKERY_DATABASE__URL=url)
        run("settings", "get", "--origin", ROOKERY_DATABASE__URL=url)
    assert "It leaks" in said["findings list --json"].decode()
    assert MASK in said["findings list --json"].decode()
    assert_silent([DATABASE_PASSWORD, MONGODB_PASSWORD, REGISTERED, IN_TARGET], said | files_in(data))


def test_no_secret_in_the_details_of_an_entry_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Masked by the name of its key and by its value, in the spool, the database and the export."""
    register_secret(REGISTERED)
    details = {
        "password": BY_KEY,
        "note": f"it was {REGISTERED}, I think",
        "deep": [{"headers": {"Authorization": f"Bearer {BY_KEY}", "X": REGISTERED}}],
        "url": f"postgresql://u:{DATABASE_PASSWORD}@h/x",
        REGISTERED: 1,
    }
    with caplog.at_level(logging.DEBUG), app.open(tmp_path / "data", actor=f"me-{REGISTERED}") as rook:
        entry = rook.audit.record("scope.added", object=f"about {REGISTERED}", details=details)
        before = files_in(tmp_path / "data" / "spool")
        rook.audit.export(tmp_path / "export.jsonl")
    said = before | files_in(tmp_path) | {"the log": caplog.text.encode(), "the entry": repr(entry).encode()}
    assert MASK in json.dumps(entry.details)
    assert_silent([BY_KEY, REGISTERED, DATABASE_PASSWORD], said)


def test_a_wrong_password_is_not_in_what_the_server_refuses(
    environment: dict[str, str], postgres_url: str, tmp_path: Path
) -> None:
    url = make_url(postgres_url).set(username="nobody_known", password=DATABASE_PASSWORD)
    environment |= {"ROOKERY_DATABASE__URL": url.render_as_string(hide_password=False)}
    command = [
        sys.executable,
        "-m",
        "rookery",
        "--debug",
        "-vv",
        "--data-dir",
        str(tmp_path / "d"),
        "scope",
        "list",
    ]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=tmp_path, timeout=120)
    assert done.returncode == 7
    assert_silent([DATABASE_PASSWORD], {"the error": done.stdout + done.stderr} | files_in(tmp_path))

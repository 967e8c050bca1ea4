"""`rookery spool`: what waits is seen, also while its writer lives, and damage is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rookery.mechanisms.writebehind import Batch, BatchQueue
from tests.faces.cli.conftest import Cli


def refuse(_batch: Batch[bytes]) -> None:
    raise ConnectionError("nobody answers")


@pytest.fixture
def queue(tmp_path: Path) -> BatchQueue[bytes]:
    """A queue with three items that its sink does not take."""
    queue = BatchQueue(refuse, name="t", spool=tmp_path / "data" / "spool" / "audit")
    for item in (b"first", b"\xff\x00", b"third"):
        queue.put(item)
    return queue


def listed(cli: Cli) -> list[dict[str, object]]:
    items: list[dict[str, object]] = json.loads(cli("--data-dir", "data", "spool", "ls", "--json").stdout)[
        "items"
    ]
    return items


def test_what_waits_is_listed_while_its_writer_lives_and_after_its_death(
    cli: Cli, queue: BatchQueue[bytes]
) -> None:
    [alive] = listed(cli)
    queue.close(0)
    [dead] = listed(cli)
    assert (alive["name"], alive["stream"], alive["waiting"]) == ("audit", queue.stream, 3)
    assert (alive["is_alive"], dead["is_alive"], dead["waiting"]) == (True, False, 3)


def test_what_waits_is_printed_by_the_beginning_of_its_stream(cli: Cli, queue: BatchQueue[bytes]) -> None:
    queue.close(0)
    lines = cli("--data-dir", "data", "spool", "cat", queue.stream[:13]).stdout.splitlines()
    assert [json.loads(line) for line in lines] == [
        {"seq": 1, "text": "first"},
        {"seq": 2, "base64": "/wA="},
        {"seq": 3, "text": "third"},
    ]
    assert cli("--data-dir", "data", "spool", "cat", "ffff").returncode == 5


def test_damage_is_named_and_the_exit_status_says_so(
    cli: Cli, queue: BatchQueue[bytes], tmp_path: Path
) -> None:
    queue.close(0)
    [segment] = (tmp_path / "data" / "spool" / "audit" / queue.stream).glob("*.seg")
    segment.write_bytes(segment.read_bytes().replace(b"first", b"worst"))
    done = cli("--data-dir", "data", "spool", "ls")
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert " 2 " in done.stdout


def test_where_nothing_waits_that_is_said(cli: Cli) -> None:
    done = cli("--data-dir", "data", "spool", "ls")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing waits" in done.stderr

"""A nuclei that does not end: the task that has it run does, when its time is over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import rookery
from rookery.base import config
from rookery.domains.scans.plan import ScanPlan
from rookery.mechanisms.tasks.rules import RetryPolicy
from tests.domains.scans.tools import programs
from tests.domains.scans.tools.listeners import Listener
from tests.workers import ended, working

CHECK = """
id: check
info: {name: N, author: rookery, severity: low}
http:
  - method: GET
    path: ['{{BaseURL}}/']
    matchers: [{type: word, words: [hello]}]
"""
SEEN = {
    "template-id": "seen-at-once",
    "info": {"name": "N", "severity": "high"},
    "type": "http",
    "host": "127.0.0.1",
    "matched-at": "http://127.0.0.1/x",
}


def endless_at_first(folder: Path) -> tuple[str, Path]:
    """nuclei, but at its first start one that works on and on, whatever it is asked; and its process id."""
    pid, real = folder / "pid", programs.nuclei()
    body = (
        f"if '-version' in sys.argv or os.path.exists({str(pid)!r}):\n"
        f"    os.execv({real!r}, [{real!r}, *sys.argv[1:]])\n"
        f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"say({json.dumps(SEEN)!r})\n"
        "for number in range(10_000):\n"
        "    print(json.dumps({'requests': str(number), 'total': '9'}), file=sys.stderr, flush=True)\n"
        "    time.sleep(0.1)"
    )
    return programs.script(folder, body), pid


def opened(url: str, data_dir: Path, program: str) -> rookery.Rook:
    scan = config.Scan(nuclei_path=program, rate_limit=0.0, retries=0)
    return rookery.open(config=config.Config(data_dir=data_dir, database=config.Database(url=url), scan=scan))


def planned(folder: Path, url: str) -> ScanPlan:
    (folder / "check.yaml").write_text(CHECK)
    return ScanPlan(endpoints=(url,), templates=(folder / "check.yaml",), engine="nuclei")


def test_it_is_ended_when_the_time_is_over_and_what_it_found_is_kept(
    sqlite_url: str, data_dir: Path, tmp_path: Path
) -> None:
    program, pid = endless_at_first(tmp_path)
    with opened(sqlite_url, data_dir, program) as rook, Listener() as server, working(rook):
        task_id = rook.tasks.submit_task(
            "scans.run", planned(tmp_path, server.url), timeout=3.0, retry=RetryPolicy(temporary=0)
        )
        task = ended(rook, task_id)
        assert task.failure is not None
        assert (str(task.status), task.failure.error) == ("failed", "TaskTimedOut")
        assert task.failure.message == "It ran for longer than 3 s, and was ended."
        assert rook.scans.run(task_id).status == "interrupted"
        assert {each.template_id for each in rook.findings.list()} == {"seen-at-once"}
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)
        assert rook.scans.resume_scan(task_id).coverage == {"ok": 1, "error": 0, "skipped": 0}

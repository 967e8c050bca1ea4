"""100,000 results of nuclei (JSON lines, 1.4 kB each) into the finding table on SQLite; then the same again.

It goes the way every sighting goes: runner, batched hook with spool, upsert, history, groups. Beside it a
script that keeps the same texts and no more. Each measurement is a process of its own.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import rookery
from benchmarks.rows import Row
from rookery.base.config import Config

COUNT = 100_000
TEMPLATES = 1_000
ROUNDS = 3


def main() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.jsonl"
        write(path, COUNT)
        rounds = [in_process("rookery", path) for _ in range(ROUNDS)]
        script = min(in_process("script", path)["wall"] for _ in range(ROUNDS))
    first = min(rounds, key=lambda figures: figures["wall"])
    detail = f"{first['cpu']:.2f} s CPU; {path.name} of {COUNT:,} lines, best of {ROUNDS}"
    yield Row("100,000 nuclei results into findings on SQLite", first["wall"], "s", 5.0, "less", detail)
    detail = f"ours {first['wall']:.2f}, the script {script:.2f} s"
    yield Row(
        "the same over a script that keeps its texts", first["wall"] / script, "×", None, "less", detail
    )
    again = min(rounds, key=lambda figures: figures["again_wall"])
    detail = f"{again['again_cpu']:.2f} s CPU; {again['changed']} findings changed"
    yield Row("the same file again", again["again_wall"], "s", 5.0, "less", detail)
    yield Row("what the second time changed", again["changed"], "findings", 0, "less", "but for last_seen")
    memory = max(figures["memory"] for figures in rounds)
    detail = f"of the whole process, {first['idle']:.0f} MB before it begins"
    yield Row("peak memory of the import", memory, "MB", 200.0, "less", detail)


def write(path: Path, count: int) -> None:
    """Results of as many findings, as nuclei writes them without requests and responses."""
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps(record(number)) + "\n")


def record(number: int) -> dict[str, Any]:
    template, place = divmod(number, COUNT // TEMPLATES)
    host = place * 10 + template % 10  # 1,000 hosts, and one template after the other
    address = f"10.0.{host >> 8}.{host & 255}"
    return {
        "template": f"http/cves/2024/CVE-2024-{template}.yaml",
        "template-url": f"https://cloud.example/public/CVE-2024-{template}",
        "template-id": f"CVE-2024-{template}",
        "template-path": f"/root/nuclei-templates/http/cves/2024/CVE-2024-{template}.yaml",
        "info": {
            "name": f"Product {template} - Remote Code Execution",
            "author": ["someone", "somebody"],
            "tags": ["cve", "cve2024", "rce", f"product{template}"],
            "description": f"Product {template} has a flaw in its upload handler. " * 4,
            "impact": "An attacker runs commands of his choice on the server.",
            "reference": [
                f"https://nvd.nist.gov/vuln/detail/CVE-2024-{template}",
                "https://example.org/advisory",
            ],
            "severity": ("info", "low", "medium", "high", "critical")[template % 5],
            "metadata": {"max-request": 2, "vendor": "vendor", "product": f"product{template}"},
            "classification": {
                "cve-id": [f"CVE-2024-{template:05}"],
                "cwe-id": ["cwe-434"],
                "cvss-metrics": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                "cvss-score": 9.8,
                "epss-score": 0.5,
                "epss-percentile": 0.9,
            },
            "remediation": "Install the version that the vendor recommends.",
        },
        "matcher-name": "version",
        "type": "http",
        "host": address,
        "port": "443",
        "scheme": "https",
        "url": f"https://{address}",
        "path": "/upload.php",
        "matched-at": f"https://{address}/upload.php?x={number}",
        "extracted-results": [f"1.2.{number % 10}"],
        "ip": address,
        "timestamp": "2026-11-01T12:00:00.123456789+00:00",
        "matcher-status": True,
    }


def in_process(who: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.findings_import", who, str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def rookery_import(path: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, rookery.open(config=Config(data_dir=Path(folder))) as rook:
        idle = peak()
        first = timed(rook, path)
        memory = peak()
        assert rook.findings.count() == COUNT
        before = snapshot(rook)
        again = timed(rook, path)
        changed = len(before ^ snapshot(rook))
    return {
        "wall": first[0],
        "cpu": first[1],
        "again_wall": again[0],
        "again_cpu": again[1],
        "changed": changed,
        "idle": idle,
        "memory": memory,
    }


def script_import(path: Path) -> dict[str, float]:
    """By json and one executemany: nothing is checked, redacted, rated, grouped, or told in a history."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, path.open() as file:
        database = sqlite3.connect(Path(folder) / "findings.db")
        database.executescript(SCRIPT_TABLE)
        database.executemany(SCRIPT_INSERT, map(script_row, file))
        database.commit()
        return {"wall": time.monotonic() - start}


SCRIPT_TABLE = """
    PRAGMA journal_mode = WAL;
    CREATE TABLE finding (template, matcher, place, severity, target, name, description, impact, remediation,
        info, extracted, seen, PRIMARY KEY (template, matcher, place));
    CREATE INDEX by_severity ON finding (severity, seen);
    CREATE INDEX by_target ON finding (target);"""
SCRIPT_INSERT = """
    INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET seen = excluded.seen"""


def script_row(line: str) -> tuple[str, ...]:
    found = json.loads(line)
    info = found["info"]
    texts = (info[name] for name in ("severity", "name", "description", "impact", "remediation"))
    severity, *others = texts
    rest = json.dumps(info), json.dumps(found["extracted-results"]), found["timestamp"]
    return (
        found["template-id"],
        found["matcher-name"],
        found["matched-at"],
        severity,
        found["url"],
        *others,
        *rest,
    )


def peak() -> float:
    """Megabytes that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(rook: rookery.Rook, path: Path) -> tuple[float, float]:
    start, cpu = time.monotonic(), time.process_time()
    rook.scans.import_findings(path)
    return time.monotonic() - start, time.process_time() - cpu


def snapshot(rook: rookery.Rook) -> set[tuple[Any, ...]]:
    """All that is said of each finding, but for when it was seen last."""
    from sqlalchemy import select

    from rookery.domains.findings.models import Finding

    columns = [column for column in Finding.__table__.columns if column.name != "last_seen_us"]
    with rook.reading() as session:
        return {tuple(row) for row in session.execute(select(*columns))}


if __name__ == "__main__":
    measure = {"rookery": rookery_import, "script": script_import}[sys.argv[1]]
    print(json.dumps(measure(Path(sys.argv[2]))))

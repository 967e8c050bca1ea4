"""A scan by another program, through the command line: what it shows, where it ends up, how it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rookery.demo import WeakServer
from tests.domains.scans.tools import programs
from tests.journeys.conftest import Rookery

RESULT = {
    "template-id": "a-template",
    "info": {"name": "A name", "severity": "high"},
    "host": "127.0.0.1",
    "matched-at": "http://127.0.0.1:8000/x\x1b[31m",
}
NMAP = (
    '<?xml version="1.0"?><!DOCTYPE nmaprun><nmaprun><host><status state="up"/>'
    '<address addr="127.0.0.1" addrtype="ipv4"/><ports><port protocol="tcp" portid="22"><state state="open"/>'
    '<service name="ssh" product="OpenSSH\u202e" version="9.2" conf="10"/></port></ports></host>'
    '<runstats><finished exit="success"/></runstats></nmaprun>'
)
VERSION = "if '-version' in sys.argv: say('Nuclei Engine Version: v3.4.10'); sys.exit()"


def use(tmp_path: Path, name: str, body: str) -> None:
    """Make a program of a few lines the one that is started."""
    program = programs.script(tmp_path, body, name=name)
    (tmp_path / "rookery.toml").write_text(f'[scan]\n{name}_path = "{program}"\n')


def run_folder(tmp_path: Path) -> Path:
    [folder] = (tmp_path / "data" / "runs").iterdir()
    return folder


def test_nuclei_runs_the_scan_and_its_findings_are_kept(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    (tmp_path / "rookery.toml").write_text(f'[scan]\nnuclei_path = "{programs.nuclei()}"\n')
    ours = rookery("scan", weak_server.url, "--severity", "high,critical", "--jsonl")
    theirs = rookery("scan", weak_server.url, "--severity", "high,critical", "--engine", "nuclei", "--jsonl")
    assert (ours.returncode, theirs.returncode) == (0, 0), theirs.stderr
    found = [{json.loads(line)["finding_id"] for line in done.stdout.splitlines()} for done in (ours, theirs)]
    assert found[0] == found[1]
    stored = json.loads(rookery("findings", "list", "--json").stdout)["items"]
    assert {finding["run_count"] for finding in stored} == {2}, "one finding, by whatever engine"


def test_where_nuclei_is_missing_the_embedded_engine_does_it_and_the_run_says_so(
    rookery: Rookery, weak_server: WeakServer, tmp_path: Path
) -> None:
    (tmp_path / "rookery.toml").write_text('[scan]\nnuclei_path = "/nowhere/nuclei"\n')
    scan = rookery("scan", weak_server.url, "--engine", "nuclei", "--json")
    assert scan.returncode == 0
    said = "nuclei is not used: scan.nuclei_path is /nowhere/nuclei, which is not a program that can be run."
    assert f"warning: {said} The embedded engine runs this scan." in scan.stderr.splitlines()
    assert json.loads(scan.stdout)["run"]["engine"] == "embedded"
    assert said in (run_folder(tmp_path) / "run.log").read_text()


@pytest.mark.parametrize(
    ("body", "status", "ended", "said"),
    [
        (f"say({json.dumps(RESULT)!r}); os.kill(os.getpid(), 9)", 1, "partial", "nuclei was killed"),
        (
            "print('[FTL] no templates provided for scan', file=sys.stderr); sys.exit(1)",
            1,
            "failed",
            "none of",
        ),
        (f"say({json.dumps(RESULT)!r})", 0, "completed", "1 finding (1 high)"),
    ],
    ids=["killed", "refused", "well"],
)
def test_how_it_ended_is_one_line_and_an_exit_status(
    rookery: Rookery, tmp_path: Path, body: str, status: int, ended: str, said: str
) -> None:
    use(tmp_path, "nuclei", f"{VERSION}\n{body}")
    scan = rookery("scan", "http://127.0.0.1:8000", "--engine", "nuclei")
    assert scan.returncode == status, scan.stderr
    assert said in scan.stderr
    assert "Traceback" not in scan.stderr
    assert "\x1b" not in scan.stdout + scan.stderr
    metadata = json.loads((run_folder(tmp_path) / "metadata.json").read_text())
    assert metadata["status"] == ended
    kept = json.loads(rookery("findings", "list", "--json").stdout)["items"]
    assert len(kept) == (ended != "failed")


def test_what_nmap_finds_is_shown_and_kept_with_the_run(rookery: Rookery, tmp_path: Path) -> None:
    use(tmp_path, "nmap", f"say('Nmap version 7.93') if '--version' in sys.argv else say({NMAP!r})")
    shown = rookery("scan", "127.0.0.1", "--engine", "nmap")
    assert shown.returncode == 0, shown.stderr
    assert "port      127.0.0.1:22/tcp  ssh  OpenSSH" in shown.stdout
    assert "\u202e" not in shown.stdout, "it would turn the line around"
    assert "Beside findings: 1 ip, 1 port, 1 technology." in shown.stderr
    items = [json.loads(line) for line in (run_folder(tmp_path) / "items.ndjson").read_text().splitlines()]
    assert {"ip", "port", "technology"} <= {item["_type"] for item in items}
    rows = rookery("scan", "127.0.0.1", "--engine", "nmap", "--jsonl").stdout.splitlines()
    [port] = [row for row in map(json.loads, rows) if row["_type"] == "port"]
    assert (port["ip"], port["port"], port["service_name"]) == ("127.0.0.1", 22, "ssh")


@pytest.mark.parametrize(
    ("target", "engine", "status", "said"),
    [
        ("192.0.2.0/24", "nmap", 3, "rookery scope add 192.0.2.0/24"),
        ("127.0.0.1-9", "nmap", 2, "is no host"),
        ("127.0.0.1", "numclei", 5, "Did you mean nuclei?"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    rookery: Rookery, tmp_path: Path, target: str, engine: str, status: int, said: str
) -> None:
    use(tmp_path, "nmap", "say('Nmap version 7.93')")
    refused = rookery("scan", target, "--engine", engine)
    assert refused.returncode == status
    assert said in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_without_nmap_nothing_else_can_do_it(rookery: Rookery, tmp_path: Path) -> None:
    (tmp_path / "rookery.toml").write_text('[scan]\nnmap_path = "/nowhere/nmap"\n')
    refused = rookery("scan", "127.0.0.1", "--engine", "nmap")
    assert refused.returncode == 1
    assert "scan.nmap_path is /nowhere/nmap" in refused.stderr


def test_who_knows_nuclei_can_type_what_they_know(rookery: Rookery, weak_server: WeakServer) -> None:
    line = f"-u {weak_server.url} -tags git,svn -severity medium,high -pt http -rl 500 -c 5 -timeout 5 -j"
    scan = rookery("scan", *line.split())
    assert scan.returncode == 0, scan.stderr
    found = {json.loads(row)["template_id"] for row in scan.stdout.splitlines()}
    assert found == {"git-config-exposed", "svn-metadata-exposed"}
    assert " -rl" not in rookery("scan", "--help").stdout

"""Importing what other tools found: counted once, told where it came from, whatever is in the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rookery import app
from rookery.base.config import Config, Database, Hooks
from rookery.base.errors import Invalid
from rookery.domains.findings import exporting, service, store
from rookery.domains.findings.document import as_json
from rookery.domains.findings.hooks import RecordFindings
from rookery.domains.findings.rules import State
from rookery.domains.scans import reading
from rookery.domains.scans.errors import RunIsAlive
from rookery.domains.scans.folders import RunFolder
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.reading import ImportFileUnusable, digest_of, format_of
from rookery.domains.scans.service import import_findings, runs
from rookery.domains.scans.service.sightings import ImportBroken
from rookery.domains.scans.store import begin_run
from rookery.mechanisms.writebehind import Batch
from tests.conftest import Call

HOOK = """
from rookery import hook

@hook("on_item")
def hear(runner, item):
    if item._type == "vulnerability":
        with open({heard!r}, "a") as file:
            file.write(item.template_id)
"""


def record(name: str = "git-config", **different: Any) -> dict[str, Any]:
    facts = {
        "template-id": name,
        "info": {"name": name, "severity": "medium", "classification": {"cve-id": ["CVE-2024-1"]}},
        "type": "http",
        "host": "127.0.0.1",
        "url": "http://127.0.0.1:8080",
        "matched-at": f"http://127.0.0.1:8080/{name}",
        "timestamp": "2026-01-02T03:04:05.123456789+01:00",
    }
    return facts | different


def written(path: Path, *lines: object) -> Path:
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))
    return path


def counting(function: Callable[..., None], sizes: list[int], most: int = 1_000) -> Callable[..., None]:
    """The function, which notes the size of each batch, and fails after so many."""

    def counted(self: RecordFindings, runner: object, items: Batch[Any]) -> None:
        if len(sizes) == most:
            raise OSError("the disk is gone")
        sizes.append(len(items))
        function(self, runner, items)

    return counted


def documents(call: Call) -> list[dict[str, Any]]:
    return [as_json(found) for found in call(store.list_)]


def audited(call: Call) -> list[str]:
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    return [entry.event_type for entry in reversed(call.rook.audit.list())]


def test_an_import_is_a_run_from_which_its_findings_come(call: Call, tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", record("a"), record("b"))
    imported = call(import_findings, path)
    assert (imported.format, imported.records, imported.bad, imported.new) == ("nuclei", 2, 0, 2)
    [run] = call(runs)
    assert (run.id, run.engine, run.status) == (imported.run_id, "import", "completed")
    [first, _] = call(store.list_)
    assert (first.last_run_id, first.engine, first.cve) == (run.id, "nuclei", '["CVE-2024-1"]')
    assert as_json(first)["first_seen"] == "2026-01-02T02:04:05.123456+00:00"
    assert audited(call) == [
        *("scan.started", "findings.appeared", "scan.finished", "findings.imported"),
    ]


def test_the_same_file_again_changes_nothing(call: Call, tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", record("a"), record("b"), record("a"))
    first = call(import_findings, path)
    before = documents(call)
    again = call(import_findings, path)
    assert (first.again, again.again, again.run_id, again.new) == (False, True, first.run_id, 0)
    assert documents(call) == before
    assert {found["run_count"] for found in before} == {1}


def test_a_longer_file_adds_what_is_new_and_counts_the_rest_again(call: Call, tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", record("a"))
    call(import_findings, path)
    longer = call(import_findings, written(path, record("a"), record("b")))
    assert (longer.records, longer.new) == (2, 1)
    assert {found["template_id"]: found["run_count"] for found in documents(call)} == {"a": 2, "b": 1}


@pytest.mark.parametrize(("results", "size"), [(2, 1 << 20), (1_000, 100)])
def test_a_file_is_stored_in_blocks_of_a_bounded_size(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: int, size: int
) -> None:
    monkeypatch.setattr(reading, "BLOCK", results)
    monkeypatch.setattr(reading, "LARGEST_BLOCK", size)
    stored: list[int] = []
    monkeypatch.setattr(RecordFindings, "__call__", counting(RecordFindings.__call__, stored))
    lines = (record("a"), "no result\n", record("b"), record("a"), record("c"), record("d"))
    imported = call(import_findings, written(tmp_path / "r.jsonl", *lines))
    assert (imported.records, imported.bad, imported.new) == (5, 1, 4)
    assert sum(stored) == 5
    assert max(stored) <= 2


def test_an_import_that_was_broken_off_goes_on_where_it_was(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK", 1)
    path = written(tmp_path / "r.jsonl", record("a"), record("b"), record("c"))
    stored: list[int] = []
    with monkeypatch.context() as broken:
        broken.setattr(RecordFindings, "__call__", counting(RecordFindings.__call__, stored, most=2))
        with pytest.raises(ImportBroken):
            call(import_findings, path)
    assert {found["template_id"] for found in documents(call)} == {"a", "b"}
    imported = call(import_findings, path)
    assert (imported.records, imported.new, imported.again) == (3, 1, False)
    assert {found["run_count"] for found in documents(call)} == {1}
    audited(call)
    told = call.rook.audit.list(event_type="findings.appeared")
    assert [entry.details["counts"] for entry in reversed(told)] == [{"medium": 2}, {"medium": 1}]


def test_an_import_whose_process_has_died_goes_on_and_one_that_lives_is_left_alone(
    call: Call, tmp_path: Path
) -> None:
    path = written(tmp_path / "r.jsonl", record("a"))
    run_id = f"import-{digest_of(path, 'default')}"
    plan = ScanPlan(run_id=run_id, endpoints=(str(path),), engine="import")
    call(begin_run, plan, actor="tester", engine_version="", template_ids=(), skipped={})
    lock = RunFolder(call.rook.data_dir, run_id).hold()
    with pytest.raises(RunIsAlive):
        call(import_findings, path)
    lock.close()
    imported = call(import_findings, path)
    assert (imported.run_id, imported.new, imported.again) == (run_id, 1, False)


def test_triage_survives(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    call(import_findings, written(path, record("a")))
    call(service.triage, "template:a", State.FALSE_POSITIVE, reason="a honeypot")
    call(import_findings, written(path, record("a", timestamp="2026-02-02T00:00:00Z"), record("b")))
    assert {found["template_id"]: found["state"] for found in documents(call)} == {
        "a": "false_positive",
        "b": "open",
    }


def test_a_bad_line_is_told_with_its_number_and_costs_nothing_else(call: Call, tmp_path: Path) -> None:
    torn = json.dumps(record("c"))[:40]
    lines = (record("a"), "not JSON\n", '{"a": 1}\n', "\n", "[" * 20_000 + "\n", record("b"), torn)
    imported = call(import_findings, written(tmp_path / "r.jsonl", *lines))
    assert (imported.records, imported.bad, imported.new) == (2, 4, 2)
    assert [message.partition(": ")[2][:7] for message in imported.messages] == [
        *("line 2:", "line 3:", "line 5:", "line 7:"),
    ]


def test_a_thousand_bad_lines_are_summed_up(call: Call, tmp_path: Path) -> None:
    imported = call(import_findings, written(tmp_path / "r.jsonl", record("a"), *["{}\n"] * 1_000))
    assert (imported.bad, len(imported.messages)) == (1_000, 101)
    assert imported.messages[-1].endswith("900 more faults like these")


def test_an_endless_line_is_one_fault(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    with path.open("wb") as file:
        file.write(b'{"template-id":"' + b"x" * (40 << 20) + b'"}\n' + json.dumps(record("a")).encode())
    imported = call(import_findings, path)
    assert (imported.records, imported.bad) == (1, 1)


def test_what_did_not_match_is_no_sighting(call: Call, tmp_path: Path) -> None:
    path = written(tmp_path / "r.jsonl", record("a", **{"matcher-status": False}))
    assert call(import_findings, path).records == 0
    assert documents(call) == []


@pytest.mark.parametrize("format_", ["jsonl", "sarif"])
def test_what_was_exported_changes_nothing_when_it_is_imported(
    call: Call, tmp_path: Path, format_: str
) -> None:
    """An old export neither opens again what has been fixed since, nor says that anything was seen today."""
    said = {"description": "It is there.", "remediation": "Remove it.", "reference": ["https://a.example"]}
    info = {**record()["info"], **said, "tags": ["cve", "exposure"]}
    results = [record(name, info={**info, "name": name}, **{"extracted-results": ["1.2"]}) for name in "ab"]
    call(import_findings, written(tmp_path / "r.jsonl", *results))
    path = tmp_path / f"export.{format_}"
    path.write_text("".join(call(exporting.export, format_, "")))
    call(service.triage, "template:a", State.FIXED)
    call(service.triage, "template:b", State.RISK_ACCEPTED, reason="known", until="90d")
    before = documents(call)
    assert call(import_findings, path).records == 2
    counted = {"last_run_id", "run_count", "seen_count"}
    changed = [
        {name for name, value in new.items() if value != old[name]}
        for old, new in zip(before, documents(call), strict=True)
    ]
    assert changed == [counted, counted]


def test_sarif_is_imported_too(call: Call, tmp_path: Path) -> None:
    call(import_findings, written(tmp_path / "r.jsonl", record("a")))
    text = "".join(call(exporting.export, "sarif"))
    imported = call(import_findings, written(tmp_path / "r.sarif", text), project_id="other")
    assert (imported.format, imported.records, imported.new) == ("sarif", 1, 1)
    assert {found["project_id"] for found in documents(call)} == {"default", "other"}


def test_the_mark_that_windows_begins_a_file_with_is_no_part_of_it(call: Call, tmp_path: Path) -> None:
    imported = call(
        import_findings, written(tmp_path / "r.jsonl", "\ufeff" + json.dumps(record("a")) + "\n", record("b"))
    )
    assert (imported.records, imported.bad) == (2, 0)
    sarif = "".join(call(exporting.export, "sarif"))
    again = call(import_findings, written(tmp_path / "r.sarif", "\ufeff" + sarif), project_id="other")
    assert (again.records, again.bad) == (2, 0)


@pytest.mark.parametrize(
    ("content", "format_"),
    [
        ('{"template-id": "a"}\n', "nuclei"),
        ('{"templateID": "a", "x": "runs"}\n', "nuclei"),
        ("garbage", "nuclei"),
        ('{\n "version": "2.1.0",\n "runs": []\n}', "sarif"),
        ('{"$schema": "https://…/sarif-2.1.0.json", "version"', "sarif"),
    ],
)
def test_a_file_says_by_its_beginning_what_it_is(tmp_path: Path, content: str, format_: str) -> None:
    assert format_of(written(tmp_path / "f", content)) == format_


def test_a_file_that_cannot_be_used_is_said_in_one_line(call: Call, tmp_path: Path) -> None:
    with pytest.raises(ImportFileUnusable, match="No such file"):
        call(import_findings, tmp_path / "none")
    broken = written(tmp_path / "broken.sarif", '{"version": "2.1.0", "runs": [{}]}')
    with pytest.raises(Invalid, match=r"broken\.sarif: not SARIF"):
        call(import_findings, broken)
    assert [run.status for run in call(runs)] == ["failed"]


def test_a_file_of_which_no_line_is_a_result_is_not_imported(call: Call, tmp_path: Path) -> None:
    table = written(tmp_path / "findings.csv", "id,name\n", "1,a\n")
    for _ in range(2):
        with pytest.raises(
            ImportFileUnusable, match=r"is neither nuclei's JSON lines nor SARIF 2\.1\.0: line 1: "
        ):
            call(import_findings, table)
    assert [run.status for run in call(runs)] == ["failed"]
    assert call(import_findings, written(tmp_path / "empty.jsonl")).records == 0


def test_an_import_that_failed_can_be_done_again(call: Call, tmp_path: Path) -> None:
    path = written(tmp_path / "f.sarif", '{"version": "2.1.0", "runs": [{}]}')
    for _ in range(2):
        with pytest.raises(Invalid):
            call(import_findings, path)
    assert len(call(runs)) == 1


def test_configured_hooks_hear_of_what_is_imported(call: Call, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    module = written(tmp_path / "hooks_of_mine.py", HOOK.format(heard=str(heard)))
    written(tmp_path / "r.jsonl", record("a"), record("b"))
    config = Config(
        data_dir=call.rook.data_dir,
        database=Database(url=call.rook.config.database_url),
        hooks=Hooks(modules=(str(module),)),
    )
    with app.open(config=config, actor="tester") as rook:
        rook.scans.import_findings(tmp_path / "r.jsonl")
    assert heard.read_text() == "ab"

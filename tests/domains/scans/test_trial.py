"""Trying one template: all that happens is told, in both worlds, and nothing is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

import rookery
from rookery.app import Rook
from rookery.base.config import Config, Database, Scan
from rookery.demo import WeakServer
from rookery.domains.findings import store as findings
from rookery.domains.scans import service
from rookery.domains.scans.errors import TargetOutOfScope
from rookery.domains.templates.errors import TemplateNotFound
from rookery.mechanisms.engine import UnsupportedTemplate
from tests.beside import beside
from tests.conformance.servers import dns_server
from tests.conftest import Call
from tests.domains.templates.files import write

MINE = """
id: mine
info: {name: n, author: x, severity: low}
http:
  - path: ['{{BaseURL}}/.git/config', '{{BaseURL}}/no-such-page']
    matchers-condition: and
    matchers:
      - {type: status, status: [200]}
      - {type: word, words: ['[core]']}
    extractors:
      - {type: regex, regex: ['bare = \\w+']}
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    return str(write(tmp_path, "mine.yaml", MINE))


def test_every_request_answer_and_verdict_is_told(call: Call, mine: str, weak_server: WeakServer) -> None:
    trial = call(service.try_template, mine, weak_server.url)
    kinds = [step.kind for step in trial.steps]
    assert kinds[:4] == ["request", "answer", "matcher", "matcher"]
    assert kinds[-4:] == ["request", "answer", "matcher", "matcher"]
    verdicts = [(step.text, step.holds) for step in trial.steps if step.kind == "matcher"]
    assert verdicts == [
        ("status '200'", True),
        ("word '[core]'", True),
        ("status '200'", False),
        ("word '[core]'", False),
    ]
    assert trial.steps[0].text.startswith("GET /.git/config HTTP/1.1")
    assert "[core]" in trial.steps[1].text
    assert (trial.matched, trial.template) == (True, "mine")
    assert trial.results[0].startswith(f"{weak_server.url}/.git/config")
    assert call(findings.count) == 0
    assert call(service.runs) == []


def test_a_target_that_does_not_answer_is_told(call: Call, mine: str, free_port: int) -> None:
    trial = call(service.try_template, mine, f"http://127.0.0.1:{free_port}")
    assert not trial.matched
    assert [step.kind for step in trial.steps] == ["request", "failure"] * 2


def test_names_are_asked_about_where_the_setting_says(
    sqlite_url: str, data_dir: Path, tmp_path: Path
) -> None:
    text = "id: record\ninfo: {name: n, author: x, severity: low}\n"
    text += "dns: [{type: TXT, matchers: [{type: word, words: [weak]}]}]\n"
    path = str(write(tmp_path, "record.yaml", text))
    with beside(dns_server({("localhost.", "TXT"): ['"v=weak"']})) as names:
        scan = Scan(resolvers=(f"127.0.0.1:{names.port}",))
        with rookery.open(
            config=Config(data_dir=data_dir, database=Database(url=sqlite_url), scan=scan)
        ) as rook:
            trial = rook.scans.try_template(path, "localhost")
        assert names.asked == ["localhost. TXT"]
    assert trial.matched
    assert "v=weak" in trial.steps[1].text


def test_what_is_out_of_scope_is_not_tried(call: Call, mine: str) -> None:
    with pytest.raises(TargetOutOfScope):
        call(service.try_template, mine, "http://192.0.2.1")


def test_a_template_that_is_not_there_or_not_run_says_so(call: Call, tmp_path: Path) -> None:
    with pytest.raises(TemplateNotFound):
        call(service.try_template, "no-such", "http://127.0.0.1")
    write(tmp_path, "code.yaml", "id: c\ninfo: {name: n, author: x}\nheadless: [{steps: [{action: x}]}]\n")
    with pytest.raises(UnsupportedTemplate):
        call(service.try_template, str(tmp_path / "code.yaml"), "http://127.0.0.1")


def test_who_tried_what_is_audited(sqlite_rook: Rook, weak_server: WeakServer) -> None:
    sqlite_rook.scans.try_template("git-config-exposed", weak_server.url)
    sqlite_rook.audit.flush()
    [entry] = sqlite_rook.audit.list()
    assert (entry.event_type, entry.object) == ("template.tried", "git-config-exposed")
    assert entry.details == {"target": weak_server.url}

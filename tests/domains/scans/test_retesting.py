"""Retesting: only what the finding is about is checked, and what is gone is fixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.base.errors import NotFound
from rookery.demo import WeakServer
from rookery.domains.findings import store
from rookery.domains.scans.errors import NothingToScan
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.service import retest, submit_scan
from rookery.domains.templates.rules import Selector
from tests.conftest import Call

TEMPLATE = """\
id: retested
info: {{name: A page, author: me, severity: high}}
http:
  - method: GET
    path: ["{{{{BaseURL}}}}/.git/config"]
    matchers:
      - {{type: word, words: ["{word}"]}}
"""


def scanned(call: Call, server: WeakServer, path: Path) -> None:
    path.write_text(TEMPLATE.format(word="[core]"))
    call(submit_scan, ScanPlan(endpoints=(server.url,), templates=(path,), rate_limit=0.0))


def test_what_is_still_there_is_seen_again(call: Call, weak_server: WeakServer, tmp_path: Path) -> None:
    scanned(call, weak_server, path := tmp_path / "t.yaml")
    done = call(retest, "template:retested", templates=(path,))
    assert (done.chosen, done.seen, done.fixed) == (1, 1, 0)
    [found] = call(store.list_)
    assert (found.run_count, found.last_run_id) == (2, done.runs[0].run_id)
    assert done.runs[0].template_count == 1


def test_what_is_gone_is_fixed(call: Call, weak_server: WeakServer, tmp_path: Path) -> None:
    scanned(call, weak_server, path := tmp_path / "t.yaml")
    path.write_text(TEMPLATE.format(word="no server says this"))
    done = call(retest, "template:retested", templates=(path,))
    assert (done.seen, done.fixed) == (0, 1)
    assert call(store.list_)[0].state == "fixed"
    (call.async_rook if call.is_async else call.rook).audit.service.flush()
    assert "findings.settled" in {entry.event_type for entry in call.rook.audit.list()}


def test_what_cannot_be_checked_is_said(call: Call, weak_server: WeakServer, tmp_path: Path) -> None:
    scanned(call, weak_server, tmp_path / "t.yaml")
    with pytest.raises(NotFound, match=r"retested.*-t"):
        call(retest, "template:retested")
    with pytest.raises(NotFound, match="tag:none"):
        call(retest, "tag:none")
    assert call(store.list_)[0].state == "open"


def test_an_installed_template_is_found_and_what_may_do_harm_is_let_in_by_its_tag(
    call: Call, weak_server: WeakServer, data_dir: Path
) -> None:
    (own := data_dir / "templates").mkdir()
    text = TEMPLATE.format(word="[core]").replace("severity: high", "severity: high, tags: intrusive")
    (own / "t.yaml").write_text(text)
    let_in = Selector(ids=("retested",), include_tags=("intrusive",))
    call(submit_scan, ScanPlan(endpoints=(weak_server.url,), selection=let_in, rate_limit=0.0))
    with pytest.raises(NothingToScan, match="intrusive is excluded by default"):
        call(retest, "template:retested")
    assert call(retest, "template:retested", include_tags=("intrusive",)).seen == 1

"""CISA's catalogue and EPSS from local files: findings of their CVEs are rated anew, and later ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rookery.domains.findings import rating, store
from rookery.domains.findings.errors import FeedNotValid
from rookery.domains.findings.feeds import read_feed
from rookery.domains.findings.rules import DAY_US
from tests.conftest import Call
from tests.domains.findings.test_store import record, sighting

CVE = "CVE-2021-44228"
EPSS = f"#model_version:v2025.03.14,score_date:2026-11-20T00:00:00Z\ncve,epss,percentile\n{CVE},0.94,0.999\n"


def kev(path: Path, cve: str = CVE, due: str = "2021-12-24") -> Path:
    listed = {"cveID": cve, "dateAdded": "2021-12-10", "dueDate": due, "knownRansomwareCampaignUse": "Known"}
    document = {"title": "CISA", "dateReleased": "2026-11-19T12:00:00Z", "vulnerabilities": [listed]}
    path.write_text(json.dumps(document))
    return path


def test_the_mark_that_windows_begins_a_file_with_is_no_part_of_it(tmp_path: Path) -> None:
    path = kev(tmp_path / "kev.json")
    path.write_text("\ufeff" + path.read_text())
    assert read_feed(path).name == "kev"


def epss(path: Path) -> Path:
    path.write_bytes(gzip.compress(EPSS.encode()))
    return path


def test_findings_of_a_listed_cve_are_exploited_due_sooner_and_first(call: Call, tmp_path: Path) -> None:
    record(call, sighting(severity="critical"), sighting(template_id="b", severity="low", cve=[CVE]))
    rated = call(rating.import_feed, kev(tmp_path / "kev.json"))
    assert (rated.name, rated.dated, rated.entries, rated.findings) == ("kev", "2026-11-19", 1, 1)
    first, second = call(store.list_)
    assert (first.template_id, first.kev, first.kev_added, first.ransomware) == (
        "b",
        True,
        "2021-12-10",
        True,
    )
    assert first.due_us == 1_000_000_000 + 14 * DAY_US
    assert (second.kev, second.kev_added) == (False, "")
    assert "known to be exploited since 2021-12-10" in call(store.history, first.id)[-1].reason


def test_epss_sorts_what_is_equally_severe(call: Call, tmp_path: Path) -> None:
    record(call, sighting(_timestamp=2_000.0), sighting(template_id="b", cve=[CVE, "CVE-2020-1"]))
    call(rating.import_feed, epss(tmp_path / "epss.csv.gz"))
    assert [(found.template_id, found.epss_percentile) for found in call(store.list_)] == [
        ("b", 0.999),
        ("git-config", None),
    ]
    assert [(feed.name, feed.dated, feed.entries) for feed in call(rating.feeds)] == [
        ("epss", "2026-11-20", 1)
    ]


def test_what_is_found_later_is_rated_as_it_comes(call: Call, tmp_path: Path) -> None:
    call(rating.import_feed, kev(tmp_path / "kev.json"))
    call(rating.import_feed, epss(tmp_path / "epss.csv.gz"))
    record(call, sighting(cve=[CVE]))
    [found] = call(store.list_)
    assert (found.kev, found.kev_due, found.epss, found.priority) == (True, "2021-12-24", 0.94, 13_099_900)


def test_the_cves_that_a_sighting_told_last_are_rated(call: Call, tmp_path: Path) -> None:
    record(call, sighting(cve=["CVE-2020-1"]), sighting(template_id="b", cve=[CVE]))
    record(call, sighting(cve=[CVE], _timestamp=2_000.0), sighting(template_id="b"), first=3)
    assert call(rating.import_feed, epss(tmp_path / "epss.csv.gz")).findings == 2


def test_importing_again_replaces_what_the_feed_said(call: Call, tmp_path: Path) -> None:
    record(call, sighting(cve=[CVE]))
    for _ in range(2):
        call(rating.import_feed, kev(tmp_path / "kev.json"))
    [found] = call(store.list_)
    assert [line.kind for line in call(store.history, found.id)] == ["found", "rating"]
    call(rating.import_feed, kev(tmp_path / "kev.json", cve="CVE-2000-0001"))
    record(call, sighting(template_id="later", cve=[CVE]), first=2)
    assert call(store.list_, "template:later")[0].kev is False


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"{",
        b'{"vulnerabilities":[]}',
        b"a,b,c\n1,2,3\n",
        b"cve,epss,percentile\nx,1,1\n",
        b"\x1f\x8bxx",
    ],
)
def test_what_is_no_feed_is_refused_in_one_line(call: Call, tmp_path: Path, content: bytes) -> None:
    (path := tmp_path / "feed").write_bytes(content)
    with pytest.raises(FeedNotValid) as refused:
        call(rating.import_feed, path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert call(rating.feeds) == []

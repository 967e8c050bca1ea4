"""The filter language: what it chooses, on both databases; and where it says that it is wrong."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from rookery.domains.findings import store
from rookery.domains.findings.conditions import conditions
from rookery.domains.findings.filters import FIELDS, VOCABULARY
from rookery.domains.findings.models import Finding
from rookery.mechanisms.filters.grammar import FilterNotValid, parse
from tests.conftest import Call
from tests.domains.findings.test_store import record, sighting

DAY = 86_400.0
A: dict[str, Any] = {
    "template_id": "a",
    "name": "Log4Shell in the log",
    "severity": "critical",
    "matched_at": "http://10.0.0.1:8080/a_b",
    "target": "http://10.0.0.1:8080",
    "cve": ["CVE-2021-44228"],
    "cvss_score": 10.0,
    "epss_percentile": 0.99,
    "kev": True,
    "tags": ["CVE", "rce"],
    "engine": "nuclei 3.4.10",
}
B: dict[str, Any] = {
    "template_id": "b",
    "name": "Directory listing",
    "severity": "low",
    "matched_at": "https://web.example/100%",
    "target": "https://web.example",
    "matcher": "apache",
}


@pytest.mark.parametrize("word", ["or", "AND", "not", "||", "(sev:high)"])
def test_what_other_languages_mean_by_a_word_is_not_looked_for_in_silence(word: str) -> None:
    with pytest.raises(FilterNotValid, match=r"has no meaning here.*a comma gives alternatives"):
        parse(f"sev:low {word} sev:high", VOCABULARY)
    assert parse(f'"{word}"', VOCABULARY)[0].values[0].text == word


@pytest.fixture
def two(call: Call) -> Call:
    record(call, sighting(**A, _timestamp=1_000.0), sighting(**B, _timestamp=1_000.0 + 10 * DAY))
    with call.rook.transaction() as session:
        session.execute(
            update(Finding).where(Finding.template_id == "b").values(labels='["DMZ"]', owner="Ann")
        )
    return call


@pytest.mark.parametrize(
    ("filter_", "chosen"),
    [
        ("", "ab"),
        ("sev>=high", "a"),
        ("severity:low,critical", "ab"),
        ("sev<medium", "b"),
        ("sev!=low", "a"),
        ("tag:dmz", "b"),
        ("tag:cve", "a"),
        ("tag:rc*", "a"),
        ("-tag:rce", "b"),
        ("tag:c", ""),
        ("host:10.0.*", "a"),
        ("host:WEB.example", "b"),
        ("host:10.0.0.?", "a"),
        ("at:*a_b", "a"),
        ("at:*a%b", ""),
        ('at:"https://web.example/100%"', "b"),
        ("port:8080", "a"),
        ("port>=443 port<=8080", "ab"),
        ("cve:CVE-2021-44228", "a"),
        ("cve:cve-2021-*", "a"),
        ("cvss>=9.5", "a"),
        ("percentile>0.9", "a"),
        ("kev:yes", "a"),
        ("kev:no", "b"),
        ("owner:ann", "b"),
        ('owner:""', "a"),
        ("project:default", "ab"),
        ("engine:nuclei*", "a"),
        ("matcher:apache", "b"),
        ("state:open", "ab"),
        ("state:fixed,open", "ab"),
        ("-state:open", ""),
        ("log4shell", "a"),
        ('"in the log"', "a"),
        ("-listing", "a"),
        ("LISTING -log4shell", "b"),
        ("first:1970-01-01", "a"),
        ("seen>1970-01-05", "b"),
        ("seen>30d", "ab"),
        ("seen<7d", ""),
        ("due<now", "ab"),
        ("due<7d sev:low", "b"),
        ("-due<now", ""),
        ("fixed<now", ""),
        ("-fixed<now", "ab"),
    ],
)
def test_what_a_filter_chooses(two: Call, filter_: str, chosen: str) -> None:
    assert "".join(sorted(found.template_id for found in two(store.list_, filter_))) == chosen
    assert two(store.count, filter_) == len(chosen)


@pytest.mark.parametrize("field", ["id", "group_id"])
def test_the_beginning_of_an_id_is_enough_for_that_is_what_tables_show(two: Call, field: str) -> None:
    [one, _] = two(store.list_)
    name, shown = field.removesuffix("_id"), getattr(one, field)[:13]
    assert [found.id for found in two(store.list_, f"{name}:{shown}")] == [one.id]
    assert two(store.count, f'{name}:""') == 0


def test_an_acceptance_that_has_run_out_is_open_though_nobody_has_said_so_yet(two: Call) -> None:
    with two.rook.transaction() as session:
        session.execute(update(Finding).values(state="risk_accepted", state_until_us=1))
    assert (two(store.count, "state:open"), two(store.count, "state:risk_accepted")) == (2, 0)
    assert two(store.count, "state:active") == 2


@pytest.mark.parametrize(
    ("filter_", "said"),
    [
        ("sev>=hihg", "character 6: 'hihg' is no severity"),
        ("tag:x sevv:high", "character 7: there is no field 'sevv'; did you mean sev"),
        ("tag:x  state:", "character 14, at its end"),
        ('a "b', "character 3: this quotation mark is not closed"),
        ("tag>x", "character 4: tag can be asked with ':', not with '>'"),
        ("port:x", "character 6: 'x' is no number"),
        ("kev:perhaps", "character 5: 'perhaps' is neither yes nor no"),
        ("state:closed", "character 7: 'closed' is no state; allowed: open"),
        ("seen<soon", "character 6: 'soon' is no time"),
        ("tag:a,", "character 7"),
        ("a" * 2_001, "2001 characters long"),
        ("a " * 51, "51 terms"),
    ],
)
def test_a_filter_that_is_wrong_says_where_and_what_would_be_right(filter_: str, said: str) -> None:
    with pytest.raises(FilterNotValid, match="ilter") as refused:
        conditions(filter_)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_says_why_it_is_none(text: str) -> None:
    with suppress(FilterNotValid):
        parse(text, VOCABULARY)


@pytest.mark.parametrize("field", [field.name for field in FIELDS])
def test_every_field_has_its_meaning_in_sql(field: str) -> None:
    value = {"severity": "high", "state": "open", "flag": "yes", "number": "1"}
    kind = next(one.kind for one in FIELDS if one.name == field)
    assert len(conditions(f"{field}:{value.get(kind, '2026-01-31')}")) == 1


def test_every_field_is_documented_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/filters.md").read_text("utf-8")
    page = page.partition("## Fields of devices")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(field.name, field.help) for field in FIELDS]

"""Choosing among templates with nuclei's words: nothing is left out without its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rookery.domains.templates import Selector, select
from rookery.mechanisms.engine import Template, load_template

HARMFUL = ["bruteforce", "dos", "fuzz", "intrusive"]


def check(name: str, severity: str = "low", tags: str = "a", author: str = "x") -> Template:
    text = (
        f"id: {name}\ninfo: {{name: n, author: '{author}', severity: {severity}, tags: '{tags}'}}\n"
        "http: [{path: ['{{BaseURL}}/']}]\n"
    )
    return load_template(text.encode(), path=f"/set/{tags.partition(',')[0]}/{name}.yaml")


TEMPLATES = (
    check("CVE-2021-1", "high", "cve,wordpress", "Ann,bob"),
    check("CVE-2022-2", "critical", "cve", "bob"),
    check("panel", "info", "panel"),
    check("crash", "high", "cve,dos"),
)


def chosen(**wanted: Any) -> list[str]:
    return [template.id for template in select(TEMPLATES, Selector(**wanted)).templates]


def reasons(**wanted: Any) -> dict[str, str]:
    return {Path(one.path).stem: one.reason for one in select(TEMPLATES, Selector(**wanted)).skipped}


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({"severities": ("info", "critical")}, ["CVE-2022-2", "panel"]),
        ({"exclude_severities": ("info",)}, ["CVE-2021-1", "CVE-2022-2"]),
        ({"tags": ("wordpress", "panel")}, ["CVE-2021-1", "panel"]),
        ({"tags": ("CVE",), "exclude_tags": ("WordPress",)}, ["CVE-2022-2"]),
        ({"exclude_tags": ("cve", "wordpress"), "include_tags": ("wordpress",)}, ["panel"]),
        ({"ids": ("cve-2021-*", "panel")}, ["CVE-2021-1", "panel"]),
        ({"exclude_ids": ("cve-*",)}, ["panel"]),
        ({"authors": ("ann",)}, ["CVE-2021-1"]),
        ({"protocols": ("http",)}, ["CVE-2021-1", "CVE-2022-2", "panel"]),
        ({"protocols": ("dns",)}, []),
        ({"exclude_protocols": ("http",)}, []),
        ({"exclude_templates": (Path("/set/cve"),)}, ["panel"]),
        ({"exclude_templates": (Path("/set/panel/panel.yaml"),)}, ["CVE-2021-1", "CVE-2022-2"]),
        ({"severities": ("high",), "authors": ("bob",)}, ["CVE-2021-1"]),
    ],
)
def test_a_selector_chooses(wanted: dict[str, Any], ids: list[str]) -> None:
    assert chosen(**wanted) == ids


def test_every_template_is_chosen_or_has_one_reason() -> None:
    selection = select(TEMPLATES, Selector(tags=("cve",), exclude_ids=("cve-2022-2",)))
    assert len(selection.templates) + len(selection.skipped) == len(TEMPLATES)
    assert reasons(tags=("cve",), exclude_ids=("cve-2022-2",)) == {
        "CVE-2022-2": "its id is excluded",
        "panel": "without a tag that was asked for",
        "crash": "the tag dos is excluded by default",
    }


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"severities": ("low",)}, "of another severity than asked for"),
        ({"exclude_severities": ("high",)}, "the severity high is excluded"),
        ({"exclude_tags": ("cve", "wordpress")}, "the tag cve is excluded"),
        ({"ids": ("panel",)}, "of another id than asked for"),
        ({"authors": ("eve",)}, "of another author than asked for"),
        ({"protocols": ("dns",)}, "of another protocol than asked for"),
        ({"exclude_protocols": ("http",)}, "the protocol http is excluded"),
        ({"exclude_templates": (Path("/set"),)}, "its file or folder is excluded"),
    ],
)
def test_a_reason_says_what_stood_against_the_template(wanted: dict[str, Any], reason: str) -> None:
    assert reasons(**wanted)["CVE-2021-1"] == reason


@pytest.mark.parametrize("tag", HARMFUL)
def test_what_may_do_harm_is_left_out_until_it_is_asked_for(tag: str) -> None:
    harmful = check("harm", tags=f"a,{tag}")
    assert [one.reason for one in select([harmful]).skipped] == [f"the tag {tag} is excluded by default"]
    assert select([harmful], Selector(tags=(tag,))).templates == ()
    assert select([harmful], Selector(include_tags=(tag.upper(),))).templates == (harmful,)


def test_to_let_one_harmful_tag_in_lets_no_other_in() -> None:
    both = check("harm", tags="dos,intrusive")
    [skipped] = select([both], Selector(include_tags=("intrusive",))).skipped
    assert skipped.reason == "the tag dos is excluded by default"

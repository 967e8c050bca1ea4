"""Drafts of platforms load, fit what was heard, and say what a person must decide."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rookery.domains.backups.probing.drafting import draft, error_patterns, fits, pager_pattern
from rookery.domains.backups.probing.hearing import Transcript
from rookery.domains.backups.probing.recognising import Likeness
from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Platform, inherited, platform_from
from rookery.mechanisms.transport.terminal.dialect import pattern

SESSIONS = Path(__file__).parents[3] / "recorded-sessions"
PROMPTS = [
    prompt.lstrip("\r")
    for path in sorted(SESSIONS.glob("*prompt.yaml"))
    for prompt in yaml.safe_load(path.read_text())["pass"]
]
ACME = Transcript(
    greeting="Welcome\n",
    prompt="(lab 1) [main] lab-1> ",
    answers={
        "show version": "Acme OS\nVersion: 7.2\nModel Name: A-100\nSerial No: 12-34\nSystem name: lab-1\n",
        "display version": "% Unknown command 'display'",
        "get system status": "% Unknown command 'get'",
        "show system": "no page 3",
    },
    pagers=("<space> for page 2 of 9, (q)uit)", "--More--"),
    paging_off="terminal length 0",
)


def loaded(text: str) -> Platform:
    return platform_from("lab", tomllib.loads(text), "a draft")


def test_all_that_was_found_out_stands_in_a_draft() -> None:
    platform = loaded(draft(ACME, None, None))
    assert platform.dialect.prompts.fullmatch("(lab 22) [other] lab-2# ")
    assert platform.dialect.setup == ("terminal length 0",)
    assert platform.dialect.errors == ("^% Unknown command",)
    (pager,) = platform.dialect.pagers
    assert pattern(pager.when).search("<space> for page 3 of 9, (q)uit)")
    assert platform.configuration.commands == ("show running-config",)
    (facts,) = platform.facts
    assert facts.command == "show version"
    assert all((facts.hostname, facts.model, facts.serial, facts.version))


def test_a_person_decides_what_a_program_cannot() -> None:
    text = draft(ACME, None, None)
    decisions = [line.partition("  # decide:")[0] for line in text.splitlines() if "# decide:" in line]
    assert decisions == [
        *('title = "Unknown"', 'comment = "!"', "noise = []", "secrets = []"),
        *('errors = ["^% Unknown command"]', "# [dialect.enable]"),
        *('commands = ["show running-config"]', "# ends = '^end$'"),
    ]


def test_one_that_is_like_another_only_says_what_differs() -> None:
    base = Library().get("ios")
    like = Likeness("ios", base.title, 9.0, ("it says Cisco",))
    same = tomllib.loads(draft(Transcript(prompt="r1#"), like, base))
    assert same == {"title": "Like Cisco IOS and IOS-XE", "like": "ios"}
    other = tomllib.loads(draft(Transcript(prompt="[r1] $ "), like, base))
    whole = platform_from("lab", inherited({"noise": ["^!"]}, other), "a draft")
    assert whole.dialect.prompts.fullmatch("[r2] $ ")


def test_without_a_prompt_commands_have_channels_of_their_own() -> None:
    platform = loaded(draft(Transcript(answers={"cat /etc/version": "7"}), None, None))
    assert platform.dialect.channel == "exec"


@pytest.mark.parametrize("prompt", [prompt for prompt in PROMPTS if prompt.strip()])
def test_the_pattern_of_a_prompt_fits_it(prompt: str) -> None:
    assert fits(prompt, prompt)
    assert not fits(prompt, f"{prompt}and more text")


@given(st.text(min_size=1, max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_device_shows_its_draft_loads(prompt: str, pager: str, said: str) -> None:
    heard = Transcript("", prompt, {"show version": said, "show system": f"% {said}"}, (pager,), "no page")
    loaded(draft(heard, None, None))


def test_pagers_that_every_platform_knows_need_no_pattern() -> None:
    assert pager_pattern(" --More-- ") is None
    assert pager_pattern("page 1 (of 2)") == r"page \d+ \(of \d+\)"


def test_refusals_that_begin_alike_are_one_pattern() -> None:
    refusals = ["% Invalid input at 'a'", "% Invalid command 'b'", "Error: 7"]
    assert error_patterns(refusals, ["show version"]) == [r"^% Invalid", "^Error"]


def test_a_pattern_never_refuses_what_begins_as_a_command() -> None:
    assert error_patterns(["show: not found", "show: not found"], ["show version"]) == []

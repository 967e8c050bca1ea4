"""Answers, questions and refusals are told apart without a platform."""

from __future__ import annotations

import pytest

from rookery.domains.backups.probing.hearing import Transcript, answer, last_line, question, refusal

SAID = b"show version\r\nAcme OS 7\r\nserial 12\r\nlab-1> "


def test_an_answer_is_what_stands_between_echo_and_prompt() -> None:
    assert answer(SAID, "show version") == "Acme OS 7\nserial 12"
    assert last_line(SAID) == "lab-1> "


def test_what_a_terminal_would_not_show_is_no_part_of_it() -> None:
    assert answer(b"show ver\x08\x08\x08version\r\n\x1b[32mAcme\x1b[0m\r\n#", "show version") == "Acme"


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("Username: ", "username"),
        ("lab-1 login:", "username"),
        ("User:", "username"),
        ("Password for admin:", "password"),
        ("--More--", "page"),
        (" -- more -- next page: Space, quit: q", "page"),
        ("Press any key to continue", "page"),
        ("---- More ----", "page"),
        ("lines 1-23", "page"),
        ("Last login: ", None),
        ("lab-1>", None),
        ("", None),
    ],
)
def test_questions_are_known_by_their_words(line: str, asked: str | None) -> None:
    assert question(line) == asked


@pytest.mark.parametrize(
    "said",
    [
        "          ^\n% Invalid input detected at '^' marker.\n",
        "Error: Unrecognized command found at '^' position.",
        "-sh: show: not found",
        "bad command name show (line 1 column 1)",
        "Incorrect usage.  Use the '?' or <TAB> key to list commands.",
    ],
)
def test_refusals_are_known_by_theirs(said: str) -> None:
    assert refusal(said)


def test_a_long_answer_is_none_whatever_words_are_in_it() -> None:
    assert refusal("Acme OS, serial unknown\n" + "a line\n" * 9) == ""
    assert refusal("Acme OS 7") == ""


def test_a_transcript_tells_what_was_taken_and_what_was_refused() -> None:
    heard = Transcript(answers={"show version": "Acme", "display version": "% Unknown", "get system": ""})
    assert list(heard.accepted) == ["show version"]
    assert heard.refusals == ["% Unknown"]

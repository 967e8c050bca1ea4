"""What an unknown device says, as far as it can be told without its platform. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from rookery.mechanisms.transport.terminal.conversation import TAIL
from rookery.mechanisms.transport.terminal.dialect import PASSWORD
from rookery.mechanisms.transport.terminal.screen import rendered

Question = Literal["username", "password", "page"]
FIRST_LINES: Final = 4
"""Lines from the beginning of an answer in which a refusal stands."""
LONGEST_REFUSAL: Final = 8  # lines: what is longer is an answer, whatever words are in it

_QUESTIONS: Final[tuple[tuple[Question, re.Pattern[str]], ...]] = (
    ("username", re.compile(r"(?i)\b(?:user ?name|user|login|login as|account):\s*$")),
    ("password", re.compile(PASSWORD)),
    (
        "page",
        re.compile(
            r"(?i)-+ ?\(?more|\bmore\b ?(?:\[[^\]]{0,40}\] ?)?-+"
            r"|press [^\n]{0,40}\b(?:key|space|enter|return)\b|\bquit\)|\bq to quit|^lines? \d+-\d+"
        ),
    ),
)
_LAST_LOGIN: Final = re.compile(r"(?i)\b(?:last|failed|successful)\b")
_REFUSAL: Final = re.compile(
    r"(?i)^\s*(?:%|error\b)|\b(?:invalid|unknown|unrecogni[sz]ed|not recogni[sz]ed|ambiguous|incomplete"
    r"|incorrect|syntax error|not found|bad command|no such|illegal|not supported|wrong"
    r"|denied|not authori[sz]ed)\b"
)


class Transcript(msgspec.Struct, frozen=True):
    """What was heard: `answers` by the commands that were asked, `pagers` as they stood there.

    Without a `prompt` each command had a channel of its own. `paging_off` is the command that was taken for
    that; `broken_off` says why it ended early.
    """

    greeting: str = ""
    prompt: str = ""
    answers: dict[str, str] = {}
    pagers: tuple[str, ...] = ()
    paging_off: str = ""
    broken_off: str = ""

    @property
    def accepted(self) -> dict[str, str]:
        """The answers that are none of refusals, and no silence."""
        return {asked: said for asked, said in self.answers.items() if said.strip() and not refusal(said)}

    @property
    def refusals(self) -> list[str]:
        """The lines that refused something, each once."""
        return list(dict.fromkeys(line for said in self.answers.values() if (line := refusal(said))))


def shown(heard: bytes | bytearray) -> str:
    """What a person would see of it."""
    return rendered(heard.decode("utf-8", "replace"))


def last_line(heard: bytes | bytearray) -> str:
    """What stands in the line that has not ended."""
    return shown(heard[-TAIL:]).rpartition("\n")[2]


def question(line: str) -> Question | None:
    """What a line asks for, if anything."""
    if _LAST_LOGIN.search(line):
        return None
    return next((asked for asked, known in _QUESTIONS if known.search(line)), None)


def answer(heard: bytes | bytearray, command: str) -> str:
    """What was said to a command, without its echo and the line that waits for the next."""
    body = shown(heard).rpartition("\n")[0]
    first, _, rest = body.partition("\n")
    return rest if command in first else body


def refusal(said: str) -> str:
    """The line that refuses a command; empty when it was taken."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if len(lines) > LONGEST_REFUSAL:
        return ""
    return next(_refusing(lines[:FIRST_LINES]), "")


def _refusing(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if _REFUSAL.search(line))

"""How a kind of device speaks, as data. Patterns are of RE2, which takes linear time on whatever comes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

import msgspec
import re2

from rookery.base.errors import Invalid

USERNAME = r"(?i)(user ?name|login|login as):\s*$"
PASSWORD = r"(?i)(password|passcode)( for [^\s:]{1,64})?:\s*$"  # noqa: S105  a pattern, no password
REFUSED = (
    r"(?i)(login (incorrect|invalid|failed)|authentication fail|access denied|bad password"
    r"|permission denied|% ?login invalid|% ?bad (secrets|passwords))"
)


_QUIET = re2.Options()
_QUIET.log_errors = False  # they are raised


class PatternNotValid(Invalid):
    """That is no regular expression of RE2."""


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say, without being asked to by anybody else, when the last line matches `when`."""

    when: str
    say: str = " "


class Enable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to get privileges: the command, its question, and the prompt of who has them."""

    command: str = "enable"
    password: str = PASSWORD
    prompt: str = r"#\s?$"


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """How a kind of device speaks.

    `prompt` matches a whole line that waits for a command. `pagers` are answered, and their lines left out;
    `questions` are answered and stay. `setup` is said after the login, and `leave` at the end. On an `exec`
    channel each command has a channel of its own, without prompt, pager or echo. An answer that begins with
    a line that matches one of `errors` is a refusal.
    """

    prompt: str = r"\S[^\r\n]{0,120}[>#$%]\s?"
    channel: Literal["shell", "exec"] = "shell"
    pagers: tuple[Exchange, ...] = (Exchange(r"(?i)\s*-+\s?\(?more[^\r\n]{0,80}$"),)
    questions: tuple[Exchange, ...] = ()
    setup: tuple[str, ...] = ()
    enable: Enable | None = None
    leave: str = "exit"
    newline: str = "\n"
    errors: tuple[str, ...] = ()
    username: str = USERNAME
    password: str = PASSWORD
    refused: str = REFUSED

    @cached_property
    def prompts(self) -> Any:
        """The compiled `prompt`."""
        return pattern(rf"(?:{self.prompt})$")

    @cached_property
    def exchanges(self) -> tuple[tuple[Any, str, bool], ...]:
        """Compiled pattern, what to say, and whether the line is left out: of pagers, then of questions."""
        return tuple(
            (pattern(each.when), each.say, each in self.pagers) for each in (*self.pagers, *self.questions)
        )

    @cached_property
    def rejections(self) -> Any | None:
        """The compiled `errors`, if there are any."""
        return pattern("|".join(f"(?:{each})" for each in self.errors)) if self.errors else None

    @cached_property
    def login_patterns(self) -> tuple[Any, Any, Any]:
        """Compiled: of the questions for user name and password, and of what refuses a login."""
        return pattern(self.username), pattern(self.password), pattern(self.refused)

    @cached_property
    def privileged(self) -> tuple[Any, Any] | None:
        """Compiled: of the question that `enable` asks, and of the prompt of who has privileges."""
        return (pattern(self.enable.password), pattern(self.enable.prompt)) if self.enable else None

    def check(self) -> None:
        """Compile everything. Raises PatternNotValid."""
        _ = self.prompts, self.exchanges, self.rejections, self.login_patterns, self.privileged


def pattern_set(texts: Iterable[str]) -> Any:
    """Patterns of RE2: `Match` tells in one pass which are found; None means none, or that it gave up."""
    found = re2.Set.SearchSet(_QUIET)
    for text in texts:
        found.Add(text)
    found.Compile()
    return found


def pattern(text: str) -> Any:
    """A compiled pattern of RE2. Raises PatternNotValid."""
    try:
        return re2.compile(text, _QUIET)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise PatternNotValid(f"{text[:80]!r} is no regular expression of RE2: {reason}") from None

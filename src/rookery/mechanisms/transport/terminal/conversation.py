"""One command line, from login to logout, on bytes alone: what has come goes in, what to send comes out.

A prompt ends an answer. One that begins as the last one did is certain; one that only looks like a prompt is
doubted until nothing more comes. After a command nothing is a prompt before the command's echo has come, so
that what was still on its way when it was sent, the rest of a banner for instance, is no answer to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from rookery.base.redact import redact_text
from rookery.mechanisms.transport.terminal.errors import (
    EnableFailed,
    LoginFailed,
    OutputTooLong,
    PromptNotRecognised,
)
from rookery.mechanisms.transport.terminal.screen import rendered

if TYPE_CHECKING:
    from rookery.mechanisms.transport.terminal.dialect import Dialect

TAIL = 512
"""Bytes of a last line that are looked at: no prompt is longer."""
LAST_SEEN = 160
"""Characters of what was seen that an error tells."""
LAST_LINES = 4096
"""Bytes of the last lines that are told of, when somebody wants to know why."""
LONGEST_ANSWER = 64 << 20  # bytes
ECHO = 60
"""Characters of a command by which its echo is known: narrow terminals break longer ones."""


_NUMBER = re.compile(r"[.:]\d+$")
_LAST_LOGIN = re.compile(r"(?i)\b(last|failed|successful)\b")
"""In a banner that tells of logins, and asks for none."""


class Login(NamedTuple):
    """What a device may be told when it asks. `enable` is the password itself unless there is another."""

    username: str = ""
    password: str = ""
    enable: str | None = None


class Conversation:
    """What is said, and when it has been answered. After `open`, `enable` or `ask`, `hear` until `is_done`.

    `is_doubtful` when what stands there may be a prompt: call `hush` when nothing follows for a while.
    """

    def __init__(self, dialect: Dialect, login: Login) -> None:
        self._dialect, self._login = dialect, login
        self._heard = bytearray()
        self._stem = ""
        self._echo = b""
        self._is_opening = self._is_enabling = False
        self._has_given_name = self._has_given_password = False
        self.is_done = self.is_doubtful = False
        self.prompt = ""

    # --- what is to happen

    def open(self) -> None:
        """Wait for the first prompt, and answer what is asked before it."""
        self._begin(b"")
        self._is_opening = True

    def ask(self, command: str) -> bytes:
        """Have a command answered; what to send."""
        self._begin(command[:ECHO].encode())
        return (command + self._dialect.newline).encode()

    def enable(self) -> bytes:
        """Get privileges, if there are any to be had that are not there yet; what to send."""
        if self._dialect.enable is None or self._is_privileged(self.prompt):
            self.is_done = True
            return b""
        sent = self.ask(self._dialect.enable.command)
        self._is_enabling, self._has_given_password = True, False
        return sent

    def _begin(self, echo: bytes) -> None:
        self._heard.clear()
        self._echo = echo
        self._is_opening = self._is_enabling = False
        self.is_done = self.is_doubtful = False

    # --- what is heard

    def hear(self, data: bytes) -> bytes:
        """Take in what has come; what to send. Raises LoginFailed, EnableFailed, OutputTooLong."""
        self._heard += data
        if len(self._heard) > LONGEST_ANSWER:
            raise OutputTooLong(f"More than {LONGEST_ANSWER >> 20} MB came. {OutputTooLong.__doc__}")
        start = max(self._heard.rfind(b"\n") + 1, len(self._heard) - TAIL)
        line = rendered(self._heard[start:].decode("utf-8", "replace"))
        self.is_doubtful = False
        if self._is_opening and self._has_given_password:
            self._refuse_if_refused()
        if not line.strip():
            return b""
        if (said := self._answered(line, start)) is not None:
            return said
        if self._is_heard(line):
            self._end(line)
        return b""

    def hush(self) -> None:
        """Nothing more comes: what looks like a prompt is one."""
        line = self.last_line()
        if self._dialect.prompts.fullmatch(line):
            self._end(line)

    def last_line(self) -> str:
        """What stands in the line that has not ended."""
        return rendered(self._heard[-TAIL:].decode("utf-8", "replace")).rpartition("\n")[2]

    def _answered(self, line: str, start: int) -> bytes | None:
        """What to say to a question that stands in the last line; None when there is none."""
        for pattern, say, is_pager in self._dialect.exchanges:
            if pattern.search(line):
                if is_pager:
                    self._cut(start, pattern)
                return str(say).encode()
        if self._is_opening:
            return self._logging_in(line)
        return self._enabling(line) if self._is_enabling else None

    def _cut(self, start: int, pattern: Any) -> None:
        """Leave a pager's line out, but not what stands before it."""
        raw = self._heard[start:].decode("utf-8", "replace")
        found = pattern.search(raw)
        kept = raw[: found.start()].encode() if found else b""
        self._heard[start:] = kept

    def _logging_in(self, line: str) -> bytes | None:
        names, passwords, _ = self._dialect.login_patterns
        if names.search(line) and not _LAST_LOGIN.search(line):
            if self._has_given_name:
                raise LoginFailed
            self._has_given_name = True
            return self._told(self._login.username)
        if passwords.search(line):
            if self._has_given_password:
                raise LoginFailed
            self._has_given_password = True
            return self._told(self._login.password)
        return None

    def _refuse_if_refused(self) -> None:
        _, _, refused = self._dialect.login_patterns
        if refused.search(self._heard[-TAIL:].decode("utf-8", "replace")):
            raise LoginFailed

    def _enabling(self, line: str) -> bytes | None:
        asks, _ = self._dialect.privileged or (None, None)
        if asks is None or not asks.search(line):
            return None
        if self._has_given_password:
            raise EnableFailed
        self._has_given_password = True
        self._echo = b""  # a password has none
        secret = self._login.enable
        return self._told(self._login.password if secret is None else secret)

    def _told(self, text: str) -> bytes:
        self._heard.clear()
        return (text + self._dialect.newline).encode()

    # --- prompts

    def _is_heard(self, line: str) -> bool:
        """Whether a certain prompt stands there; sets `is_doubtful` where it may be one."""
        if not self._dialect.prompts.fullmatch(line):
            return False
        self.is_doubtful = True
        if self._is_opening:  # if it is none, the first command's echo will show
            return True
        if self._is_enabling:  # without privileges its end may be still to come
            return self._is_privileged(line) and bool(self._stem) and self._stem in line
        return self._has_echoed() and bool(self._stem) and _stem(line) == self._stem

    def _has_echoed(self) -> bool:
        return not self._echo or self._echo in self._heard or _is_broken_in(self._echo, self._heard)

    def _end(self, line: str) -> None:
        self.prompt, self._stem = line, _stem(line)
        self.is_done, self.is_doubtful = True, False
        if self._is_enabling and not self._is_privileged(line):
            raise EnableFailed(
                f"{EnableFailed.__doc__} It answered: {redact_text(self.said())[-LAST_SEEN:]!r}"
            )

    def _is_privileged(self, prompt: str) -> bool:
        patterns = self._dialect.privileged
        return patterns is None or bool(patterns[1].search(prompt))

    # --- what came of it

    def said(self) -> str:
        """The answer to the last command, as a person would see it, without its echo and the prompt."""
        text = rendered(self._heard.decode("utf-8", "replace"))
        body = text.rpartition("\n")[0] if self.is_done else text
        return _without_echo(body, self._echo.decode("utf-8", "replace"))

    def tail(self) -> str:
        """The last that came, as a person would see it, from the beginning of a line if there are several."""
        text = rendered(self._heard[-LAST_LINES:].decode("utf-8", "replace"))
        return text if len(self._heard) <= LAST_LINES else text.partition("\n")[2] or text

    def unrecognised(self) -> PromptNotRecognised:
        """What to raise when nothing more comes and nothing looks like a prompt."""
        return PromptNotRecognised(f"{PromptNotRecognised.__doc__} The last it sent: {self._seen()!r}")

    def parting(self) -> str:
        """Why it hangs up, if it says so before it lets anybody in: later words may be of a configuration."""
        is_strange = self._is_opening and not self._has_given_password
        seen = self._seen().strip() if is_strange else ""
        return f" The last it sent: {seen!r}" if seen else ""

    def _seen(self) -> str:
        return redact_text(rendered(self._heard[-TAIL:].decode("utf-8", "replace")))[-LAST_SEEN:]


def _stem(prompt: str) -> str:
    """What the prompts of one device have in common, in whichever mode it is; some number them."""
    bare = prompt.strip().lstrip("<[* ").rstrip(" >#$%]").partition("(config")[0].rstrip("*^~")
    return _NUMBER.sub("", bare)


def _is_broken_in(echo: bytes, heard: bytearray) -> bool:
    """Whether a command was echoed over several lines, or redrawn while it was typed."""
    seen = rendered(heard[: 4 * TAIL].decode("utf-8", "replace")).replace("\n", "")
    return echo.decode("utf-8", "replace") in seen


def _without_echo(text: str, echo: str) -> str:
    if not echo:
        return text
    first, _, rest = text.partition("\n")
    return rest if echo in first else text

"""What nuclei writes to standard error while it runs: figures once a second, complaints, and much talk."""

from __future__ import annotations

import re
from collections import deque
from typing import Any, NamedTuple

import msgspec

from rookery.base.structs import ready
from rookery.mechanisms.hooks import Progress

LONGEST_LINE = 64 << 10  # bytes; what is longer is passed over
KEPT_WORDS = 50  # lines
CRASHES = ("panic:", "fatal error:", "runtime/cgo:")
TALK = (b"[VER]", b"[INF]", b"[DBG]")
COMPLAINT = re.compile(
    r"\[(?:WRN|ERR)\] \[([^\]\s]+)\] Could not "
    r"(?:execute (?:request for|step on)|make (?:network|dns) request for) \(?(\S+?)\)? ?: "
)
ALMOST = 99.0  # per cent: its total is an estimate, and may be passed long before the end


class Figures(msgspec.Struct, frozen=True):
    """The figures, which nuclei says as text, whatever they are."""

    requests: Any = 0
    total: Any = 0
    errors: Any = 0
    templates: Any = 0
    matched: Any = 0


class Complaint(NamedTuple):
    """A template, and the target, or the address, of which a request of it had no answer."""

    template_id: str
    target: str


_decoder = msgspec.json.Decoder(ready(Figures))


class Said:
    """Collects it.

    `words` are the last lines that are neither figures nor talk, `crash` is that which says why it crashed,
    and thousands may follow; `complaints` wait for who takes them.
    """

    def __init__(self) -> None:
        self._partial = b""
        self._skipping = False
        self.words: deque[str] = deque(maxlen=KEPT_WORDS)
        self.complaints: list[Complaint] = []
        self.crash = ""
        self.requests = self.total = self.errors = self.templates = self.matched = 0

    def hear(self, data: bytes) -> bool:
        """Take in a piece, of any size; whether there were new figures in it."""
        *lines, rest = data.split(b"\n")
        told = False
        for line in lines:
            if not self._skipping:
                told = self._line(self._partial + line) or told
            self._partial, self._skipping = b"", False
        self._partial += rest
        if len(self._partial) > LONGEST_LINE:
            self._partial, self._skipping = b"", True
        return told

    def progress(self) -> Progress:
        """How far it is, as far as it knows: of the requests it meant to send when it began."""
        of_all = 100 * self.requests / self.total if self.total else 0.0
        detail = f"{self.requests} of about {self.total} requests"
        return Progress(
            percent=min(of_all, ALMOST), detail=detail, done=self.requests, total=self.total or None
        )

    @property
    def pulse(self) -> tuple[int, ...]:
        """What changes as long as there is work."""
        return self.requests, self.errors, self.matched

    def _line(self, line: bytes) -> bool:
        if line.startswith(b"{"):
            try:
                self._figures(_decoder.decode(line))
            except (msgspec.MsgspecError, RecursionError):
                pass
            else:
                return True
        if line.startswith(TALK):
            return False
        if word := " ".join(line.decode("utf-8", "replace").split()):
            self.words.append(word[:500])
            if not self.crash and word.startswith(CRASHES):
                self.crash = word[:500]
            if found := COMPLAINT.match(word + " "):
                self.complaints.append(Complaint(found[1], found[2]))
        return False

    def _figures(self, figures: Figures) -> None:
        for name in Figures.__struct_fields__:
            setattr(self, name, _number(getattr(figures, name)))


def _number(value: Any) -> int:
    try:
        return min(max(int(str(value)[:19]), 0), 1 << 62)
    except ValueError:
        return 0

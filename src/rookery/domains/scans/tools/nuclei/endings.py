"""What the end of nuclei means. Its exit code alone says little: 0 with findings and without. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from signal import Signals

from rookery.base.errors import RookeryError
from rookery.base.redact import redact_text
from rookery.domains.scans.errors import ToolStopped, ToolUnusable

FATAL = re.compile(r"\[(?:\x1b\[[\d;]*m)?FTL(?:\x1b\[[\d;]*m)?\]\s*(.*)")
NONE_ACCEPTED = "nuclei accepts none of the templates for this scan"
KNOWN = {
    "no templates provided for scan": NONE_ACCEPTED,
    "no templates were found": NONE_ACCEPTED,
    "could not find template": "nuclei finds no such template",
}
NO_MEMORY = re.compile(r"out of memory|cannot allocate memory|pthread_create failed", re.IGNORECASE)
KILLED = 128 + 9  # what a shell that wraps it says
USAGE = 2


def failure(
    exit_code: int, words: Sequence[str], ended: str, *, crash: str = "", memory: int = 0
) -> RookeryError | None:
    """Why it did not do its work; None when it did. A ToolStopped may succeed when tried again.

    `words` are its last lines on standard error, `crash` is that which says why it crashed; `ended` is why we
    ended it, if we did. It might have had so many megabytes of `memory`; 0: all there is.
    """
    if ended:
        return ToolStopped(f"nuclei {ended}; what it found until then is kept")
    if exit_code == 0:
        return None
    if exit_code in (-9, KILLED):
        return ToolStopped(
            "nuclei was killed (by the system, for want of memory?); what it found is kept. "
            "A lower scan.nuclei_memory has it keep to less"
        )
    if NO_MEMORY.search(crash):
        return ToolStopped(_starved(memory))
    if crash:
        return ToolStopped(f"nuclei crashed: {_shown(crash)}")
    if exit_code < 0:
        return ToolStopped(f"nuclei was ended by {_signal(-exit_code)}; what it found is kept")
    return ToolUnusable(_refusal(exit_code, words))


def _starved(memory: int) -> str:
    """Fewer templates are a smaller nuclei; fewer requests under way have fewer answers in it."""
    had = f"the {memory} MB of scan.nuclei_memory" if memory else "all that this machine has"
    more = "Raise that, or take" if memory else "Take"
    return (
        f"nuclei ran out of memory, with {had}; what it found is kept. "
        f"{more} fewer templates, or a lower scan.concurrency or scan.nuclei_targets"
    )


def _refusal(exit_code: int, words: Sequence[str]) -> str:
    fatal = [found[1] for word in words if (found := FATAL.search(word))]
    if fatal:
        known = (text for said, text in KNOWN.items() if said in fatal[-1].lower())
        return next(known, "") or f"nuclei refused to start: {_shown(fatal[-1])}"
    if exit_code == USAGE:
        return f"this nuclei does not know all options that are needed: {_shown(words[0] if words else '')}"
    return f"nuclei exited with {exit_code}" + (f": {_shown(words[-1])}" if words else "")


def _shown(word: str) -> str:
    return redact_text(word)[:200]


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"

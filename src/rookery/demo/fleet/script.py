"""What a device says: a recorded session, in the format of Oxidized's simulations.

`init_prompt` is what comes after the login; without one, each command has an exec channel. `commands` are
bytes sent and bytes answered, echo and next prompt included: a mapping in any order, a list one after the
other. A line feed in an answer stands for CR LF.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Script:
    """A device's part: `exchanges` are what is sent and what is answered, `is_ordered` one after another."""

    greeting: str | None
    exchanges: tuple[tuple[str, str], ...]
    is_ordered: bool = False

    def answer(self, command: str, start: int) -> tuple[str, int] | None:
        """The answer to what was sent, and where to look for the next; None when there is none."""
        for at, (sent, answered) in enumerate(self.exchanges[start:], start):
            if sent == command:
                return answered, at + 1 if self.is_ordered else 0
        return None


def load_script(path: Path) -> Script:
    """Read a recorded session."""
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    commands = document.get("commands") or {}
    is_ordered = isinstance(commands, list)
    pairs = [pair for each in commands for pair in each.items()] if is_ordered else list(commands.items())
    greeting = document.get("init_prompt")
    return Script(
        None if greeting is None else _spelt_out(greeting),
        tuple((_spelt_out(sent), _spelt_out(answered or "")) for sent, answered in pairs),
        is_ordered,
    )


def _spelt_out(text: str) -> str:
    r"""Ruby's escapes in a block, which YAML leaves as they are: \r, \t, \e, \" and \xNN."""
    parts = text.split("\\")
    spelt = [parts[0]]
    escapes = {"r": "\r", "n": "\n", "t": "\t", "e": "\x1b", "b": "\b", "a": "\a", '"': '"', "'": "'"}
    pending_backslash = False
    for part in parts[1:]:
        if pending_backslash:
            spelt.append(part)
            pending_backslash = False
        elif not part:
            spelt.append("\\")
            pending_backslash = True
        elif part[0] == "x":
            spelt.append(chr(int(part[1:3], 16)) + part[3:])
        else:
            spelt.append(escapes.get(part[0], "\\" + part[0]) + part[1:])
    return "".join(spelt)

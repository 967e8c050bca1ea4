"""From what was heard to a draft of a platform: TOML for a person to finish. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from os.path import commonprefix
from typing import Final

from rookery.domains.backups.probing.hearing import Transcript
from rookery.domains.backups.probing.recognising import Likeness
from rookery.domains.devices.platform import FACTS, Platform
from rookery.mechanisms.transport.terminal.dialect import Dialect, pattern

DECIDE: Final = "# decide:"
"""What a person must look at."""
NAME: Final = r"[\w.@/:+~-]{1,80}"
"""What stands in a prompt for the name of a device, and its place or user."""
ENDS: Final = {">": "[>#]", "#": "[>#]", "$": "[$%#]", "%": "[$%#]"}
SHORTEST_ERROR: Final = 4  # characters that refusals must have in common to be a pattern
LONGEST_LINE: Final = 120  # characters of a line of the device that a comment shows

CONFIGURATIONS: Final = {
    "show": "show running-config",
    "display": "display current-configuration",
    "get": "get config",
    "cat": "cat /etc/config",
}
"""What probably shows the configuration, by how commands that were taken begin."""

# The first that finds something in an answer; the group is the fact.
FACT_PATTERNS: Final = {
    "hostname": (r"(?im)^\s*(?:host ?name|system name)\s*[.:]+\s*(\S+)", r"(?m)^(\S+) uptime is "),
    "model": (
        r"(?im)^\s*(?:\w+ )?(?:model|product|platform|board)(?: (?:name|number|type))?\s*[.:]+\s*(\S.*?)\s*$",
    ),
    "serial": (r"(?im)\bserial(?: (?:number|no\.?))?\s*[.:#]+\s*(\S+)",),
    "version": (r"(?im)\bversion\b\s*[.:]*\s*v?(\d[^\s,;)]*)", r"(?im)\brelease\b\s*[.:]*\s*v?(\d[^\s,;)]*)"),
}


def draft(heard: Transcript, like: Likeness | None, base: Platform | None) -> str:
    """A platform's file: like the one it was recognised as, or else all that could be found out."""
    lines = _alike(heard, like, base) if like and base else _unknown(heard)
    return "\n".join((f"# A draft. Look at what stands at `{DECIDE[2:]}`, then try it.", *lines)) + "\n"


def _alike(heard: Transcript, like: Likeness, base: Platform) -> Iterator[str]:
    yield from (f"# {_commented(reason)}" for reason in like.reasons)
    yield f"title = {_quoted(f'Like {like.title}')}  {DECIDE} what is it called?"
    yield f"like = {_quoted(like.platform)}  {DECIDE} is it?"
    has_own = base.dialect.channel == "shell" and heard.prompt
    if has_own and not base.dialect.prompts.fullmatch(heard.prompt):
        yield "\n[dialect]"
        yield _prompt(heard.prompt)


def _unknown(heard: Transcript) -> Iterator[str]:
    yield f'title = "Unknown"  {DECIDE} what is it called?'
    yield f'comment = "!"  {DECIDE} how does a comment in its configuration begin?'
    yield f"noise = []  {DECIDE} patterns of lines that change by themselves"
    yield f"secrets = []  {DECIDE} patterns whose groups are secrets; without any they are kept as they are"
    yield "\n[dialect]"
    yield from _dialect(heard)
    yield "\n[configuration]"
    yield f"commands = [{_quoted(_configuration(heard))}]  {DECIDE} it has not been asked yet"
    yield f"# ends = '^end$'  {DECIDE} what do the last lines of a whole configuration look like?"
    yield from _facts(heard)


def _dialect(heard: Transcript) -> Iterator[str]:
    if not heard.prompt:
        yield 'channel = "exec"  # it showed no prompt, but answered commands on channels of their own'
    else:
        yield _prompt(heard.prompt)
    setup = f"[{_quoted(heard.paging_off)}]  # it was taken" if heard.paging_off else "[]"
    yield f"setup = {setup}"
    pagers = [pager for pager in map(pager_pattern, heard.pagers) if pager]
    if pagers:
        each = ", ".join(f"{{ when = {_quoted(pager)} }}" for pager in dict.fromkeys(pagers))
        yield f"pagers = [{each}]"
    if errors := error_patterns(heard.refusals, heard.answers):
        yield f"errors = [{', '.join(map(_quoted, errors))}]  {DECIDE} what else does it say when it refuses?"
    if heard.prompt.rstrip().endswith(">"):
        yield f"# [dialect.enable]  {DECIDE} are there privileges to be got by `enable`?"


def _prompt(prompt: str) -> str:
    return f"prompt = {_quoted(prompt_pattern(prompt))}  # it showed {_commented(prompt.strip())}"


def _configuration(heard: Transcript) -> str:
    first = next(iter(heard.accepted), "show")
    return CONFIGURATIONS.get(first.split()[0], CONFIGURATIONS["show"])


def _facts(heard: Transcript) -> Iterator[str]:
    """Each fact once, from the first command that tells it."""
    missing = list(FACTS)
    for command, said in heard.accepted.items():
        lines = []
        for name in tuple(missing):
            if found := _fact(name, said):
                missing.remove(name)
                lines.append(f"{name} = {_quoted(found[0])}  # {_commented(found[1])}")
        if lines:
            yield from ("\n[[facts]]", f"command = {_quoted(command)}", *lines)


def _fact(name: str, said: str) -> tuple[str, str] | None:
    """The pattern, and what it finds."""
    for text in FACT_PATTERNS[name]:
        if found := pattern(text).search(said):
            return text, found.group(1)
    return None


def prompt_pattern(prompt: str) -> str:
    """What fits a prompt, and those of its like: names may be others, and so may the sign at its end."""
    bare = prompt.strip()
    sign = ENDS.get(bare[-1:], "")
    parts = re.split(r"([\w.@/:+~-]+)", bare[:-1] if sign else bare)
    return "".join(NAME if place % 2 else _escaped(part) for place, part in enumerate(parts)) + sign + r"\s?"


def fits(prompt: str, line: str) -> bool:
    """Whether a line is a prompt like this one."""
    return bool(pattern(prompt_pattern(prompt)).fullmatch(line))


def pager_pattern(line: str) -> str | None:
    """What fits a pager's line, whatever its numbers; None for what is known to every platform."""
    if any(pattern(each.when).search(line) for each in Dialect().pagers):
        return None
    return re.sub(r"\d+", r"\\d+", _escaped(line.strip()))


def error_patterns(refusals: Sequence[str], asked: Collection[str]) -> list[str]:
    """What lines that refuse something have in common: one pattern for those that begin alike.

    None that begins as what was asked: that is an echo, or a shell that tells what it does not know.
    """
    alike: dict[str, list[str]] = {}
    for line in refusals:
        alike.setdefault(line[:SHORTEST_ERROR], []).append(line)
    beginnings = (commonprefix(lines) for lines in alike.values())  # noqa: RUF071  no paths
    found = (re.split(r"['\"`:<]|\d", beginning)[0].strip() for beginning in beginnings)
    first_words = {command.split()[0] for command in asked}
    return [
        f"^{_escaped(each)}"
        for each in found
        if len(each) >= SHORTEST_ERROR and each.split()[0] not in first_words
    ]


def _escaped(text: str) -> str:
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def _quoted(text: str) -> str:
    """A string of TOML: as it is where it can be."""
    if "'" not in text and text.isprintable():
        return f"'{text}'" if "\\" in text or '"' in text else f'"{text}"'
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _commented(text: str) -> str:
    """What may stand in a comment: nothing of it ends the line."""
    shown = text if text.isprintable() else repr(text)
    return shown[:LONGEST_LINE]

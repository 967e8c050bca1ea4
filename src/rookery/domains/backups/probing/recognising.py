"""Which known platform a device may be of: what it calls itself, the facts it tells, its prompt. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Final

import msgspec

from rookery.domains.backups import rules
from rookery.domains.backups.probing.hearing import Transcript
from rookery.domains.devices.platform import FACTS, Facts, Platform

RECOGNISED: Final = 3.0
"""A score from which on a platform is worth trying; every shipped one gets it from its own kind, nearly."""
CERTAIN: Final = 5.0
"""A score from which on nothing more needs to be asked, when no other platform comes near."""
LEAD: Final = 1.5

NAME, FACT, NO_FACT, PROMPT, OTHER_PROMPT = 3.0, 1.5, -0.7, 0.5, -3.0
"""What counts how much. Prompts are much alike, but what does not fit is telling."""

_WORD = re.compile(r"[a-z0-9][a-z0-9.+-]+")
_ORDINARY: Final = {
    *("access", "and", "command", "controllers", "files", "firewalls", "from", "hosts", "line", "network"),
    *("networks", "nodes", "points", "routers", "series", "switches", "systems", "the", "their", "wireless"),
}
"""Words of titles that say nothing of a maker."""


class Likeness(msgspec.Struct, frozen=True):
    """How much a device is like those of a platform, and why; `like` is the platform's own."""

    platform: str
    title: str
    score: float
    reasons: tuple[str, ...]
    like: str | None = None

    @property
    def kin(self) -> str:
        """What it has in common with those that are like the same one."""
        return self.like or self.platform


def likenesses(heard: Transcript, known: Sequence[Platform]) -> list[Likeness]:
    """The platforms that it may be of, the likeliest first."""
    frequency = Counter(word for platform in known for word in _words(platform.title))
    said = {word.strip(".-") for word in _WORD.findall(_everything(heard).lower())}
    found = [_likeness(heard, platform, said, frequency) for platform in known]
    return sorted((each for each in found if each.score >= RECOGNISED), key=lambda each: -each.score)


def is_certain(found: Sequence[Likeness]) -> bool:
    """Whether nothing more needs to be asked: no platform comes near but those that are like the same one."""
    if not found or found[0].score < CERTAIN:
        return False
    rivals = [each.score for each in found if each.kin != found[0].kin]
    return not rivals or found[0].score - rivals[0] >= LEAD


def _everything(heard: Transcript) -> str:
    return "\n".join((heard.greeting, *heard.accepted.values()))


def _likeness(heard: Transcript, platform: Platform, said: set[str], frequency: Counter[str]) -> Likeness:
    named, names = _naming(platform, said, frequency)
    told, facts = _telling(heard, platform.facts)
    fitting, prompt = _prompting(heard.prompt, platform)
    reasons = (*names, *facts, *prompt)
    return Likeness(platform.name, platform.title, round(named + told + fitting, 1), reasons, platform.like)


def _naming(platform: Platform, said: set[str], frequency: Counter[str]) -> tuple[float, list[str]]:
    """A word of a title counts the more, the fewer other titles have it."""
    words = _words(platform.title)
    found = [word for word in words if word in said]
    if not found:
        return 0, []
    weights = {word: 1 / frequency[word] for word in words}
    share = sum(weights[word] for word in found) / sqrt(max(1, sum(weights.values())))
    return NAME * share, [f"it says {', '.join(words[word] for word in found)}"]


def _words(title: str) -> dict[str, str]:
    """The words of a title that say something, in lower case, and as they are written."""
    spelt = {word.lower(): word for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9.+-]+", title)}
    return {word: as_is for word, as_is in spelt.items() if word not in _ORDINARY and not word.isdigit()}


def _telling(heard: Transcript, known: Iterable[Facts]) -> tuple[float, list[str]]:
    score, reasons = 0.0, []
    accepted = heard.accepted
    for facts in known:
        if facts.command not in accepted:
            continue
        found = rules.facts_of(facts, accepted[facts.command])
        wanted = sum(getattr(facts, name) is not None for name in FACTS)
        score += FACT * len(found) + NO_FACT * (wanted - len(found))
        if found:
            reasons.append(f"{facts.command!r} tells {', '.join(found)}")
    return score, reasons


def _prompting(prompt: str, platform: Platform) -> tuple[float, list[str]]:
    """A device with a prompt may have exec channels as well, so that of such platforms is no reason."""
    if not prompt or platform.dialect.channel == "exec":
        return 0, []
    if platform.dialect.prompts.fullmatch(prompt):
        return PROMPT, ["its prompt fits"]
    return OTHER_PROMPT, []

"""From what a device sent to what is kept of it. Pure; texts are bytes in UTF-8, for the sake of RE2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple

from rookery.domains.backups.errors import (
    ConfigurationEmpty,
    ConfigurationShrunk,
    ConfigurationTruncated,
)
from rookery.domains.devices.platform import FACTS, Facts, Platform
from rookery.mechanisms.transport.terminal.dialect import pattern

END_LINES: Final = 10
"""Lines at the end of a configuration among which its end marker stands."""
SHRUNKEN: Final = 0.5
SMALL: Final = 20
"""Lines below which a configuration may shrink as it likes."""
IsNoise = Callable[[str], bool]
Pattern = Any
"""A compiled pattern of RE2, which has no types."""
MASK: Final = b"***"


class Masked(NamedTuple):
    """A configuration without its secrets, and what tells whether it has changed."""

    text: bytes
    digest: str
    lines: int


def assembled(platform: Platform, answers: Sequence[str]) -> bytes:
    """The configuration: all answers one after the other, without lines that only talk about it."""
    text = "\n".join(answer.strip("\n") for answer in answers).rstrip() + "\n"
    raw = text.lstrip("\n").encode()
    return b"".join(_without(raw, platform.drops)).lstrip(b"\n") if platform.drops else raw


def check(platform: Platform, text: bytes, lines_before: int | None) -> None:
    """Raise ConfigurationEmpty, ConfigurationTruncated or ConfigurationShrunk for what is not a whole one."""
    if not text.strip():
        raise ConfigurationEmpty
    end = platform.end
    last = text.rstrip().rsplit(b"\n", END_LINES)[-END_LINES:]
    if end is not None and not any(end.search(line.rstrip()) for line in reversed(last)):
        seen = last[-1].decode("utf-8", "replace").strip()[:40]
        raise ConfigurationTruncated(f"{ConfigurationTruncated.__doc__} Its last line: {seen!r}.")
    lines = text.count(b"\n")
    if lines_before is not None and lines_before > SMALL and lines < lines_before * SHRUNKEN:
        raise ConfigurationShrunk(f"From {lines_before} to {lines} lines: {ConfigurationShrunk.__doc__}")


def masked(
    platform: Platform, text: bytes, name: Callable[[str], str] | None, *, keep: bool = False
) -> Masked:
    """The text with each secret replaced by its name, or else by a mask; its digest leaves out noise."""
    shown = text if keep else _masked(platform, text, name)
    counted = b"".join(_without(shown, platform.noisy)) if platform.noisy else shown
    return Masked(shown, sha256(counted).hexdigest(), shown.count(b"\n"))


def counted(platform: Platform, text: bytes) -> tuple[int, int]:
    """How many lines of a text change by themselves, and how many secrets stand in it."""
    kept = b"".join(_without(text, platform.noisy)) if platform.noisy else text
    return text.count(b"\n") - kept.count(b"\n"), len(_merged(_secret_spans(platform, text)))


def is_noise(platform: Platform) -> IsNoise | None:
    """Whether a line changes by itself."""
    noisy = platform.noisy
    return None if noisy is None else lambda line: noisy.search(line) is not None


def _masked(platform: Platform, text: bytes, name: Callable[[str], str] | None) -> bytes:
    spans = _merged(_secret_spans(platform, text))
    parts: list[bytes] = []
    at = 0
    for start, end in spans:
        secret = text[start:end].decode("utf-8", "replace")
        parts += [text[at:start], MASK if name is None else f"<secret {name(secret)}>".encode()]
        at = end
    return b"".join((*parts, text[at:]))


def _secret_spans(platform: Platform, text: bytes) -> Iterator[tuple[int, int]]:
    """Where the secrets are. Lines are first looked at for all patterns at once: few hold any."""
    if platform.secretive is None:
        return
    end_of_line = -1
    for found in platform.secretive.together.finditer(text):
        if found.start() < end_of_line:
            continue  # this line has been looked at
        start = text.rfind(b"\n", 0, found.start()) + 1
        end_of_line = text.find(b"\n", found.end())
        end_of_line = len(text) if end_of_line < 0 else end_of_line
        stretch = text[start:end_of_line]
        for pattern_ in platform.secretive.matching(stretch):
            for match in pattern_.finditer(stretch):
                yield from ((start + low, start + high) for low, high in _groups(match))


def _groups(match: Any) -> Iterator[tuple[int, int]]:
    for number in range(1, match.re.groups + 1):
        low, high = match.span(number)
        if low >= 0 and high > low:
            yield low, high


def _merged(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted, where they overlap as one."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def _without(text: bytes, lines: Any) -> Iterator[bytes]:
    """The text without the lines that match."""
    at = 0
    for found in lines.finditer(text):
        start = text.rfind(b"\n", 0, found.start()) + 1
        if start < at:
            continue
        yield text[at:start]
        end = text.find(b"\n", found.end())
        at = len(text) if end < 0 else end + 1
    yield text[at:]


def facts_of(facts: Facts, answer: str) -> dict[str, str]:
    """What a device says of itself in an answer."""
    found: dict[str, str] = {}
    for name in FACTS:
        text = getattr(facts, name)
        match = pattern(text).search(answer) if text else None
        if match and (value := next((group for group in match.groups() if group), "")):
            found[name] = value.strip()
    return found

"""`flow` as far as it is boolean: http(1) && (dns(1) || !http(2)). Flows in JavaScript are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rookery.mechanisms.engine.errors import UnsupportedTemplate

TOKEN = re.compile(
    r"\s*(?:(?P<protocol>http|dns|tcp|ssl|file)\((?P<block>\d{0,4}|\"[\w-]+\"|'[\w-]+')\)"
    r"|(?P<mark>&&|\|\||[()!]))"
)
DEEPEST = 50


class Numbered(Protocol):
    """What a flow knows of a block."""

    @property
    def id(self) -> str:
        """Its own name."""
        ...

    @property
    def protocol(self) -> str:
        """The word before the parenthesis."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """`run` runs the blocks with these numbers (from 0); `all`, `any` and `not` combine steps.

    A block that is `missing` counts as one that found nothing, as in nuclei."""

    kind: str
    blocks: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    missing: str = ""

    @property
    def gaps(self) -> Iterator[str]:
        """The blocks that it names and that there are not."""
        if self.missing:
            yield self.missing
        for step in self.steps:
            yield from step.gaps


def parse_flow(text: str, blocks: Sequence[Numbered], path: str) -> Step:
    """The order in which blocks run. Without a flow, all of them, one after the other."""
    if not text:
        return Step("run", tuple(range(len(blocks))))
    parser = _Parser(text.strip().rstrip(";"), blocks, path)
    step = parser.alternatives()
    if parser.position != len(parser.tokens):
        raise parser.refusal()
    return step


class _Parser:
    def __init__(self, text: str, blocks: Sequence[Numbered], path: str) -> None:
        self.blocks, self.path = blocks, path
        self.tokens: list[re.Match[str]] = []
        self.position = self.depth = 0
        end = 0
        while (match := TOKEN.match(text, end)) is not None:
            self.tokens.append(match)
            end = match.end()
        if text[end:].strip():
            raise self.refusal()

    def refusal(self) -> UnsupportedTemplate:
        return UnsupportedTemplate(
            "its flow is JavaScript; only http(1) && dns(1) and alike run", path=self.path
        )

    def accept(self, mark: str) -> bool:
        found = self.position < len(self.tokens) and self.tokens[self.position]["mark"] == mark
        self.position += found
        return found

    def alternatives(self) -> Step:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refusal()
        steps = [self.conjunction()]
        while self.accept("||"):
            steps.append(self.conjunction())
        self.depth -= 1
        return steps[0] if len(steps) == 1 else Step("any", steps=tuple(steps))

    def conjunction(self) -> Step:
        steps = [self.single()]
        while self.accept("&&"):
            steps.append(self.single())
        return steps[0] if len(steps) == 1 else Step("all", steps=tuple(steps))

    def single(self) -> Step:
        negated = False
        while self.accept("!"):
            negated = not negated
        if self.accept("("):
            step = self.alternatives()
            if not self.accept(")"):
                raise self.refusal()
        else:
            step = self.block()
        return Step("not", steps=(step,)) if negated else step

    def block(self) -> Step:
        if self.position >= len(self.tokens) or self.tokens[self.position]["block"] is None:
            raise self.refusal()
        token = self.tokens[self.position]
        protocol, reference = token["protocol"], token["block"].strip("\"'")
        self.position += 1
        known = [number for number, block in enumerate(self.blocks) if block.protocol == protocol]
        named = [number for number in known if self.blocks[number].id == reference]
        if known and not reference:
            return Step("run", tuple(known))
        if named:
            return Step("run", (named[0],))
        if reference.isdigit() and 1 <= int(reference) <= len(known):
            return Step("run", (known[int(reference) - 1],))
        missing = f"{protocol}({reference})"
        if known:
            return Step("run", missing=missing)
        raise UnsupportedTemplate(f"its flow names the block {missing}, which it lacks", path=self.path)

"""Payloads: named lists of values that a block's requests are sent with, one combination after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from rookery.mechanisms.engine.errors import MissingFile, TemplateError, UnsupportedTemplate
from rookery.mechanisms.engine.latin import narrow
from rookery.mechanisms.engine.model import BlockSpec, PayloadSpec, TemplateSpec

ATTACKS = ("batteringram", "pitchfork", "clusterbomb")
MOST_COMBINATIONS = 1_000_000  # of one block; more is no check but a flood

Combination = dict[str, str]


class PayloadFiles(Protocol):
    """Where payload files are looked for: in the folder of a template and those above it, in its library."""

    def lines(self, template: str, name: str) -> tuple[str, ...]:
        """The lines of the file that the template at this path calls `name`.

        LookupError, in one line, when there is none or it may not be read."""
        ...


class NoFiles:
    """For templates that came as text: no file belongs to them."""

    def lines(self, template: str, name: str) -> tuple[str, ...]:
        """Never any."""
        raise LookupError(f"the payload file {name!r} of {template} cannot be read: there is no library")


NO_FILES: PayloadFiles = NoFiles()


@dataclass(frozen=True, slots=True)
class Payloads:
    """The payloads of a block, compiled: the values of each, a character per byte."""

    attack: str
    sets: Mapping[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        """How many combinations there are."""
        sizes = [len(values) for values in self.sets.values()]
        if self.attack == "pitchfork":
            return min(sizes)
        total = 1
        for size in sizes:
            total *= size
        return total

    def combinations(self) -> Iterator[Combination]:
        """Each combination once. A pitchfork takes the first of all, then the second…; a clusterbomb takes
        each with each, the last name changing fastest."""
        together = zip if self.attack == "pitchfork" else product
        for values in together(*self.sets.values()):
            yield dict(zip(self.sets, values, strict=True))


NO_PAYLOADS = Payloads("batteringram", {})


def compile_payloads(spec: BlockSpec, path: str, files: PayloadFiles) -> Payloads:
    """The payloads that the block uses; those it never names are dropped, as nuclei does."""
    used = {name: payload for name, payload in spec.payloads.items() if _is_used(name, spec)}
    if not used:
        return NO_PAYLOADS
    attack = spec.attack or "batteringram"
    if attack == "batteringram" and len(used) != 1:
        raise TemplateError("batteringram takes exactly one payload", path=path, line=spec.line)
    sets = {narrow(name): _values(payload, path, files) for name, payload in used.items()}
    payloads = Payloads(attack, sets)
    if payloads.count > MOST_COMBINATIONS:
        raise UnsupportedTemplate(
            f"its payloads make {payloads.count:,} combinations, more than {MOST_COMBINATIONS:,}", path=path
        )
    return payloads


def _values(payload: PayloadSpec, path: str, files: PayloadFiles) -> tuple[str, ...]:
    if not payload.file:
        return tuple(narrow(value) for value in payload.values)
    return payload_lines(files, path, payload.file)


def payload_lines(files: PayloadFiles, path: str, name: str) -> tuple[str, ...]:
    """The lines of the payload file that the template at this path calls so; MissingFile when it has none."""
    try:
        return files.lines(path, name)
    except LookupError as error:
        raise MissingFile(str(error.args[0]), path=path) from None


def payload_files(spec: TemplateSpec) -> tuple[str, ...]:
    """The names of the files that a template takes payloads from."""
    used = (one for block in spec.blocks for name, one in block.payloads.items() if _is_used(name, block))
    return tuple(payload.file for payload in used if payload.file)


def _is_used(name: str, spec: BlockSpec) -> bool:
    return any(name in text for text in _texts(spec))


def _texts(spec: BlockSpec) -> Iterator[str]:
    """Everything in a block that can name a payload."""
    yield from spec.own_texts()
    for matcher in spec.matchers:
        yield from (matcher.name, matcher.part, *matcher.words, *matcher.regex, *matcher.dsl, *matcher.xpath)
    for extractor in spec.extractors:
        yield from (extractor.name, extractor.part, *extractor.regex, *extractor.kval, *extractor.dsl)
        yield from (*extractor.json, *extractor.xpath)

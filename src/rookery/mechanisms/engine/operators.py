"""A block's matchers and extractors together: what one response means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rookery.mechanisms.engine.extractors import Extractor, compile_extractor
from rookery.mechanisms.engine.matchers import Matcher, compile_matcher
from rookery.mechanisms.engine.model import HttpSpec
from rookery.mechanisms.engine.values import Values

HISTORY = re.compile(r"_\d+$")


@dataclass(slots=True)
class Verdict:
    """What a response meant. `named` are matchers to report by name; `extracted` the results by extractor.

    `passed` tells a flow to go on: it matched or, in a block without matchers, something was extracted, or
    there was nothing to extract.
    """

    matched: bool = False
    passed: bool = False
    reported: bool = False
    named: list[str] = field(default_factory=list)
    extracted: dict[str, list[str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Operators:
    """Compiled matchers and extractors of one block."""

    matchers: tuple[Matcher, ...]
    extractors: tuple[Extractor, ...]
    is_and: bool

    @property
    def names(self) -> frozenset[str]:
        """Every value they read."""
        operators: tuple[Matcher | Extractor, ...] = (*self.matchers, *self.extractors)
        return frozenset().union(*(operator.names for operator in operators))

    @property
    def reads_history(self) -> bool:
        """Whether any of them names a part of an earlier request, such as body_2."""
        return any(HISTORY.search(name) for name in self.names)

    def judge(self, values: Values) -> Verdict:
        """What the current response means. Values of extractors are known to matchers by name."""
        verdict = Verdict()
        matched_by_names = frozenset().union(*(matcher.names for matcher in self.matchers))
        early = [item for item in self.extractors if item.internal or item.name in matched_by_names]
        for extractor in early:
            self._extract(extractor, values, verdict)
        self._match(values, verdict)
        if verdict.matched or not self.matchers:
            for extractor in self.extractors:
                if extractor not in early:
                    self._extract(extractor, values, verdict)
        self._settle(verdict)
        return verdict

    def _extract(self, extractor: Extractor, values: Values, verdict: Verdict) -> None:
        results = extractor.extract(values)
        if not results:
            return
        verdict.passed = True
        if extractor.name:
            values.keep(extractor.name, results)
        if not extractor.internal:
            verdict.found += [item for item in results if item not in verdict.found]
            if extractor.name:
                verdict.extracted[extractor.name] = results

    def _match(self, values: Values, verdict: Verdict) -> None:
        hits: list[Matcher] = []
        for matcher in self.matchers:
            if matcher.matches(values):
                hits.append(matcher)
            elif self.is_and:
                return
        verdict.matched = bool(hits)
        verdict.reported = any(not matcher.internal for matcher in hits)
        if not self.is_and:
            verdict.named = [matcher.name for matcher in hits if matcher.name and not matcher.internal]

    def _settle(self, verdict: Verdict) -> None:
        """Without matchers, finding something is the match; with them, no match drops what was found."""
        if not self.matchers:
            verdict.matched = verdict.reported = bool(verdict.found)
            verdict.passed = verdict.passed or not self.extractors
            return
        verdict.passed = verdict.matched
        if not verdict.matched:
            verdict.found, verdict.extracted = [], {}


def compile_operators(spec: HttpSpec, path: str) -> Operators:
    """The compiled operators of a block."""
    return Operators(
        tuple(compile_matcher(matcher, path) for matcher in spec.matchers),
        tuple(compile_extractor(extractor, path) for extractor in spec.extractors),
        spec.matchers_and,
    )

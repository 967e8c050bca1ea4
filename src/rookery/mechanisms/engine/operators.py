"""A block's matchers and extractors together: what one response means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rookery.mechanisms.engine.extractors import Extractor, compile_extractor
from rookery.mechanisms.engine.matchers import Matcher, compile_matchers
from rookery.mechanisms.engine.model import BlockSpec
from rookery.mechanisms.engine.values import Values

HISTORY = re.compile(r"_\d+$")


@dataclass(slots=True)
class Verdict:
    """What a response meant. `named` are matchers to report by name; `extracted` the results by extractor.

    `passed` tells a flow to go on: it matched or, in a block without matchers, something was extracted, or
    there was nothing to extract. `ends` tells that a matcher matched, after which stop-at-first-match sends
    no further request; extracting something is not enough for that.
    """

    matched: bool = False
    ends: bool = False
    passed: bool = False
    reported: bool = False
    named: list[str] = field(default_factory=list)
    extracted: dict[str, list[str]] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)

    @property
    def names(self) -> frozenset[str]:
        """The names of all that matched or extracted something."""
        return frozenset(self.hits) | self.extracted.keys()

    def add(self, other: Verdict) -> None:
        """Take in what another piece of the same answer meant."""
        self.matched |= other.matched
        self.passed |= other.passed
        self.reported |= other.reported
        self.named += [name for name in other.named if name not in self.named]
        self.found += [item for item in other.found if item not in self.found]
        self.hits += other.hits
        for name, results in other.extracted.items():
            known = self.extracted.setdefault(name, [])
            known += [result for result in results if result not in known]


@dataclass(frozen=True, slots=True)
class Operators:
    """Compiled matchers and extractors of one block.

    `early` extractors run before the matchers, which name them, or feed later requests; `late` ones only
    where something matched. Of matchers that must all hold, the cheapest comes first.
    """

    matchers: tuple[Matcher, ...]
    extractors: tuple[Extractor, ...]
    is_and: bool
    early: tuple[Extractor, ...]
    late: tuple[Extractor, ...]

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
        for extractor in self.early:
            self._extract(extractor, values, verdict)
        self._match(values, verdict)
        if verdict.matched or not self.matchers:
            for extractor in self.late:
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
            if extractor.internal:
                values.iterate_over(extractor.name, results)
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
        verdict.matched = verdict.ends = bool(hits)
        verdict.hits = [matcher.name for matcher in hits if matcher.name]
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


def compile_operators(spec: BlockSpec, path: str) -> Operators:
    """The compiled operators of a block."""
    matchers = compile_matchers(spec.matchers, path)
    extractors = tuple(compile_extractor(extractor, path) for extractor in spec.extractors)
    named = frozenset().union(*(matcher.names for matcher in matchers))
    return Operators(
        # Matchers change nothing, so that their order does not matter where all of them must hold.
        tuple(sorted(matchers, key=lambda one: one.cost)) if spec.matchers_and else matchers,
        extractors,
        spec.matchers_and,
        early=tuple(one for one in extractors if one.internal or one.name in named),
        late=tuple(one for one in extractors if not (one.internal or one.name in named)),
    )

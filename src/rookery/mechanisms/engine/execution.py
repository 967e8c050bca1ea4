"""Running a compiled template, sans-IO: a generator that yields asks and is sent what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rookery.mechanisms.engine.asks import Answer, Ask, DnsAnswer, Steps, TcpAsk
from rookery.mechanisms.engine.curl import curl_command
from rookery.mechanisms.engine.dsl import to_text
from rookery.mechanisms.engine.dsl.parser import FINGERPRINT
from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.errors import DslError, UnsupportedTemplate
from rookery.mechanisms.engine.flow import Step
from rookery.mechanisms.engine.httprun import HttpRun
from rookery.mechanisms.engine.latin import narrow, widen
from rookery.mechanisms.engine.messages import RequestFailed
from rookery.mechanisms.engine.operators import Verdict
from rookery.mechanisms.engine.outcome import Match, Outcome
from rookery.mechanisms.engine.parts import Parts, ResponseParts
from rookery.mechanisms.engine.protocols.block import ProbeBlock
from rookery.mechanisms.engine.protocols.jarm import exchanges, fingerprint
from rookery.mechanisms.engine.redirects import CookieJar
from rookery.mechanisms.engine.render import Unresolved
from rookery.mechanisms.engine.target import BadUrl, Target
from rookery.mechanisms.engine.template import Block, HttpBlock, Template
from rookery.mechanisms.engine.values import Values
from rookery.mechanisms.engine.workflow import WorkflowStep

LARGEST_EVIDENCE = 64 << 10  # characters of a request or response that a match keeps
MOST_EXTRACTED = 100
LONGEST_EXTRACTED = 2000
MOST_EXECUTIONS = 20_000  # of templates, in one workflow on one target


def execute(template: Template, target: Target, variables: Mapping[str, str] | None = None) -> Steps[Outcome]:
    """Run a template on a target: do what each yielded ask says, and send in the answer, or RequestFailed.

    `variables` go before those of the template and of the target, after its constants. Returns the Outcome. A
    failed request costs its own result only; the others are still tried.
    """
    outer = {narrow(name): narrow(value) for name, value in (variables or {}).items()}
    if template.steps:
        return (yield from _Workflow(target, outer).run(template.steps))
    return (yield from _executed(template, target, outer, _Shared(CookieJar(), {}), None))


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the templates of a workflow have in common: cookies, and what was extracted by name."""

    jar: CookieJar
    extracted: dict[str, Value]


@dataclass(slots=True)
class _Heard:
    """What answers meant, for a workflow: the names of what found something, and all that was known then."""

    has_results: bool = False
    events: list[tuple[frozenset[str], dict[str, Value]]] = field(default_factory=list)


def _executed(
    template: Template, target: Target, outer: Mapping[str, str], shared: _Shared, heard: _Heard | None
) -> Steps[Outcome]:
    """One template alone."""
    try:
        execution = _Execution(template, target, outer, shared, heard)
    except UnsupportedTemplate as error:  # a payload file that was there when the template was chosen
        return Outcome(failed=[error])
    yield from execution.follow(execution.program.flow)
    return execution.outcome


class _Workflow:
    """Runs steps one after the other, and those below a step when its templates have found something."""

    def __init__(self, target: Target, outer: Mapping[str, str]) -> None:
        self.target, self.outer = target, outer
        self.outcome = Outcome()
        self.left = MOST_EXECUTIONS

    def run(self, steps: Sequence[WorkflowStep]) -> Steps[Outcome]:
        """The outcome of all steps together."""
        shared = _Shared(CookieJar(), {})
        for step in steps:
            yield from self.step(step, shared)
        return self.outcome

    def step(self, step: WorkflowStep, shared: _Shared) -> Steps[None]:
        """The templates of a step are reported only when nothing depends on them."""
        heard = _Heard()
        for template in step.templates:
            self.left -= 1
            if self.left < 0:  # each match goes through each gate: that multiplies
                self.cut_short()
                return
            outcome = yield from _executed(template, self.target, self.outer, shared, heard)
            if step.gates or step.steps:
                outcome.matches.clear()
            self.outcome.add(outcome)
        for gate, steps in step.gates:
            for found, known in heard.events:
                if gate.opens(found):
                    for inner in steps:
                        yield from self.step(inner, _Shared(shared.jar, dict(known)))
        if heard.has_results:
            for inner in step.steps:
                yield from self.step(inner, shared)

    def cut_short(self) -> None:
        """Say once that there was more to run."""
        if self.left == -1:
            said = f"the workflow ran {MOST_EXECUTIONS:,} templates on {self.target.url} and was ended"
            self.outcome.failed.append(UnsupportedTemplate(said))


class _Execution(HttpRun):
    def __init__(
        self,
        template: Template,
        target: Target,
        outer: Mapping[str, str],
        shared: _Shared,
        heard: _Heard | None,
    ) -> None:
        self.template = template
        self.program = program = template.program
        self.values = Values(target, program.variables, program.constants, program.keeps_history, outer)
        self.values.extracted.update(shared.extracted)
        self.jar, self.shared, self.heard = shared.jar, shared.extracted, heard
        self.outcome = Outcome()

    def follow(self, step: Step) -> Steps[bool]:
        """Run a step of the flow; whether it passed."""
        if step.kind == "run":
            passed = False
            for number in step.blocks:
                passed |= yield from self.run(self.program.blocks[number])
                if self.program.stops_at_first_match and self.outcome.matches:
                    break
            return passed
        if step.kind == "not":
            return not (yield from self.follow(step.steps[0]))
        for inner in step.steps:
            if (yield from self.follow(inner)) is (step.kind == "any"):
                return step.kind == "any"
        return step.kind == "all"

    def run(self, block: Block) -> Steps[bool]:
        """Do what a block says and judge each answer; whether the flow may go on."""
        self.values.begin_block()
        if isinstance(block, HttpBlock):
            return (yield from self.request(block))
        return (yield from self.probe(block))

    def probe(self, block: ProbeBlock) -> Steps[bool]:
        """Ask what a block of another protocol asks, and judge each answer; whether the flow may go on."""
        passed, answered, failed = False, False, []
        for ask in self.asks(block):
            answer = yield ask
            self.outcome.sent += 1
            if isinstance(answer, RequestFailed):
                failed.append(answer.error)
                continue
            answered = True
            if isinstance(answer, DnsAnswer) and answer.failure is not None:
                failed.append(answer.failure)
            if isinstance(ask, TcpAsk) and block.takes_fingerprints:
                self.values.extracted[FINGERPRINT] = yield from self.fingerprint(ask)
            verdict = self.weighed(block, ask, answer)
            passed |= verdict.passed
            if block.stops_at_first_match and verdict.matched:
                break
        if not (answered and block.plan.any_will_do):
            self.outcome.failed += failed
        return passed

    def fingerprint(self, place: TcpAsk) -> Steps[str]:
        """The JARM of the server at a place; empty when one of the connections could not be made."""
        answers = []
        for exchange in exchanges(place.host):
            answer = yield TcpAsk(place.host, place.port, tls=False, dialogue=exchange)
            self.outcome.sent += 1
            if isinstance(answer, RequestFailed):
                self.outcome.failed.append(answer.error)
                return ""
            answers.append(exchange.heard)
        return fingerprint(answers)

    def asks(self, block: ProbeBlock) -> Iterator[Ask]:
        """A block's asks, for each combination of its payloads, as far as they can be made."""
        with self.noted():
            for combination in block.payloads.combinations():
                self.values.use_payloads(combination)
                yield from block.plan.asks(self.values)
        self.values.use_payloads({})

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Remember why something could not be sent."""
        try:
            yield
        except Unresolved as error:
            self.outcome.unsent.append(f"{error} has no value")
        except (BadUrl, DslError) as error:
            self.outcome.unsent.append(str(error))

    def weighed(self, block: ProbeBlock, ask: Ask, answer: Answer) -> Verdict:
        """What an answer means: all of its parts together, reported once."""
        whole, where = Verdict(), None
        with self.noted():
            for parts in block.plan.parts(ask, answer):
                self.values.remember(1, (block.id, block.protocol), parts)
                verdict = block.operators.judge(self.values)
                if where is None or (verdict.reported and not whole.reported):
                    where = parts
                whole.add(verdict)
        self.values.current = None
        if where is not None and whole.reported:
            self.outcome.matches += self.reports(whole, where)
        return whole

    def judged(self, hops: Sequence[Parts], number: int, block: Block) -> list[Verdict]:
        """What every hop means, the last response first."""
        verdicts: list[Verdict] = []
        for parts in reversed(hops):
            self.values.remember(number, (block.id, block.protocol), parts)
            verdict = block.operators.judge(self.values)
            verdicts.append(verdict)
            if verdict.reported:
                self.outcome.matches += self.reports(verdict, parts)
            if verdict.matched and block.stops_at_first_match:
                break
        if hops:
            self.values.remember(number, (block.id, block.protocol), hops[-1])
        self.values.current = None  # a body of megabytes must not wait for the next one
        return verdicts

    def reports(self, verdict: Verdict, parts: Parts) -> list[Match]:
        """One match per named matcher, else one per named extractor, else one."""
        self.hear(verdict)
        if verdict.named:
            return [self.match(parts, verdict.found, matcher=name) for name in verdict.named]
        if verdict.extracted:
            return [self.match(parts, found, extractor=name) for name, found in verdict.extracted.items()]
        return [self.match(parts, verdict.found)]

    def hear(self, verdict: Verdict) -> None:
        """Let the workflow, if there is one, know what was found."""
        if self.heard is None:
            return
        self.heard.has_results = True
        for name, results in verdict.extracted.items():
            self.shared[name] = results[0]
            self.shared.update({f"{name}{number}": result for number, result in enumerate(results)})
        self.heard.events.append((verdict.names, dict(self.shared)))

    def match(self, parts: Parts, found: list[str], *, matcher: str = "", extractor: str = "") -> Match:
        return Match(
            template=self.template,
            matched_at=widen(parts.matched_at),
            matcher_name=matcher,
            extractor_name=widen(extractor),
            extracted=tuple(widen(item[:LONGEST_EXTRACTED]) for item in found[:MOST_EXTRACTED]),
            request=widen(parts.asked(LARGEST_EVIDENCE)),
            response=widen(parts.beginning(LARGEST_EVIDENCE)),
            kind=to_text(parts.get("type")),
            meta={widen(name): widen(value) for name, value in self.values.payloads.items()},
            address=parts.address,
            curl=curl_command(parts.request) if isinstance(parts, ResponseParts) else "",
        )

"""Running a compiled template, sans-IO: a generator that yields requests and is sent what became of them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace

from rookery.mechanisms.engine.flow import Step
from rookery.mechanisms.engine.latin import widen
from rookery.mechanisms.engine.messages import LARGEST_BODY, Request, RequestFailed, Response
from rookery.mechanisms.engine.operators import Verdict
from rookery.mechanisms.engine.parts import ResponseParts
from rookery.mechanisms.engine.redirects import CookieJar
from rookery.mechanisms.engine.render import Unresolved
from rookery.mechanisms.engine.requests import RequestPlan
from rookery.mechanisms.engine.target import BadUrl, Target
from rookery.mechanisms.engine.template import Block, Template
from rookery.mechanisms.engine.values import Values

LARGEST_EVIDENCE = 64 << 10  # characters of a request or response that a match keeps
MOST_EXTRACTED = 100
LONGEST_EXTRACTED = 2000

Exchange = Generator[Request, Response | RequestFailed, list[ResponseParts]]


@dataclass(frozen=True, slots=True)
class Match:
    """One result of one template: what matched, where, and the bounded evidence. All text is Unicode."""

    template: Template
    matched_at: str
    matcher_name: str = ""
    extractor_name: str = ""
    extracted: tuple[str, ...] = ()
    request: str = ""
    response: str = ""

    @property
    def template_id(self) -> str:
        """The id of the template that matched."""
        return self.template.id


@dataclass(slots=True)
class Outcome:
    """What an execution came to. `unsent` and `failed` say why requests have no response."""

    matches: list[Match] = field(default_factory=list)
    sent: int = 0
    unsent: list[str] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)


def execute(template: Template, target: Target) -> Generator[Request, Response | RequestFailed, Outcome]:
    """Run a template on a target: send each yielded request, and send its Response or RequestFailed back in.

    Returns the Outcome. A failed request costs its own result only; the others are still tried.
    """
    execution = _Execution(template, target)
    yield from execution.follow(template.flow)
    return execution.outcome


class _Execution:
    def __init__(self, template: Template, target: Target) -> None:
        self.template = template
        self.values = Values(target, template.variables, template.constants, template.keeps_history)
        self.jar = CookieJar()
        self.outcome = Outcome()

    def follow(self, step: Step) -> Generator[Request, Response | RequestFailed, bool]:
        """Run a step of the flow; whether it passed."""
        if step.kind == "run":
            passed = False
            for number in step.blocks:
                passed |= yield from self.run(self.template.blocks[number])
            return passed
        if step.kind == "not":
            return not (yield from self.follow(step.steps[0]))
        for inner in step.steps:
            if (yield from self.follow(inner)) is (step.kind == "any"):
                return step.kind == "any"
        return step.kind == "all"

    def run(self, block: Block) -> Generator[Request, Response | RequestFailed, bool]:
        """Send a block's requests in order and judge each response; whether the flow may go on."""
        self.values.begin_block()
        passed = False
        for number, plan in enumerate(block.requests, 1):
            request = self.built(plan)
            if request is None:
                continue
            verdicts = self.judged((yield from self.exchange(request, block)), number, block)
            passed |= any(verdict.passed for verdict in verdicts)
            if block.stops_at_first_match and any(verdict.matched for verdict in verdicts):
                break
        return passed

    def built(self, plan: RequestPlan) -> Request | None:
        try:
            return self.bounded(plan.build(self.values))
        except Unresolved as error:
            self.outcome.unsent.append(f"{error} has no value")
        except BadUrl as error:
            self.outcome.unsent.append(str(error))
        return None

    def bounded(self, request: Request) -> Request:
        """Where earlier responses are kept, all of them together may take what one may take otherwise."""
        if not self.template.keeps_history:
            return request
        share = LARGEST_BODY // self.template.request_count
        return replace(request, max_body=min(request.max_body, share))

    def exchange(self, request: Request, block: Block) -> Exchange:
        """Send a request and what it redirects to; the hops that were answered, in order."""
        hops: list[ResponseParts] = []
        following: Request | None = request
        while following is not None and len(hops) <= block.redirects.most:
            sending = self.jar.apply(following) if block.keeps_cookies else following
            answer = yield sending
            self.outcome.sent += 1
            if isinstance(answer, RequestFailed):
                self.outcome.failed.append(answer.error)
                break
            if block.keeps_cookies:
                self.jar.store(sending, answer)
            hops.append(ResponseParts(sending, answer))
            following = block.redirects.next(sending, answer)
        return hops

    def judged(self, hops: list[ResponseParts], number: int, block: Block) -> list[Verdict]:
        """What every hop means, the last response first."""
        verdicts: list[Verdict] = []
        for parts in reversed(hops):
            self.values.remember(number, block.id, parts)
            verdict = block.operators.judge(self.values)
            verdicts.append(verdict)
            if verdict.reported:
                self.outcome.matches += self.reports(verdict, parts)
            if verdict.matched and block.stops_at_first_match:
                break
        if hops:
            self.values.remember(number, block.id, hops[-1])
        self.values.current = None  # a body of megabytes must not wait for the next one
        return verdicts

    def reports(self, verdict: Verdict, parts: ResponseParts) -> list[Match]:
        """One match per named matcher, else one per named extractor, else one."""
        if verdict.named:
            return [self.match(parts, verdict.found, matcher=name) for name in verdict.named]
        if verdict.extracted:
            return [self.match(parts, found, extractor=name) for name, found in verdict.extracted.items()]
        return [self.match(parts, verdict.found)]

    def match(
        self, parts: ResponseParts, found: list[str], *, matcher: str = "", extractor: str = ""
    ) -> Match:
        return Match(
            template=self.template,
            matched_at=widen(parts.request.url),
            matcher_name=matcher,
            extractor_name=widen(extractor),
            extracted=tuple(widen(item[:LONGEST_EXTRACTED]) for item in found[:MOST_EXTRACTED]),
            request=widen(parts.request.wire[:LARGEST_EVIDENCE].decode("latin-1")),
            response=widen(parts.beginning(LARGEST_EVIDENCE)),
        )

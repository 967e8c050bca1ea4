"""How a block of requests is run: in which order they are sent, how many at once, and what follows each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rookery.mechanisms.engine.asks import Steps
from rookery.mechanisms.engine.digest import DigestLogin
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.messages import LARGEST_BODY, Burst, Request, RequestFailed, Response
from rookery.mechanisms.engine.operators import Verdict
from rookery.mechanisms.engine.parts import Parts, ResponseParts
from rookery.mechanisms.engine.payloads import Combination
from rookery.mechanisms.engine.redirects import CookieJar
from rookery.mechanisms.engine.render import Unresolved
from rookery.mechanisms.engine.requests import RequestPlan
from rookery.mechanisms.engine.target import BadUrl
from rookery.mechanisms.engine.template import Block, HttpBlock, Program
from rookery.mechanisms.engine.values import Values

if TYPE_CHECKING:
    from rookery.mechanisms.engine.outcome import Outcome

HttpAnswer = Response | RequestFailed
Turn = tuple[int, RequestPlan]  # the number of a request within its block, and the request


class HttpRun(ABC):
    """The part of an execution that is about http."""

    program: Program
    values: Values
    jar: CookieJar
    outcome: Outcome

    @abstractmethod
    def judged(self, hops: Sequence[Parts], number: int, block: Block) -> list[Verdict]:
        """What every hop means, the last response first."""

    def request(self, block: HttpBlock) -> Steps[bool]:
        """Send a block's requests in order, for each combination of its payloads, and judge each response;
        whether the flow may go on."""
        passed = False
        if block.threads > 1 and not self.program.keeps_history:
            passed = yield from self.several_at_a_time(block)
        else:
            passed = yield from self.one_by_one(block)
        self.values.use_payloads({})
        return passed

    def one_by_one(self, block: HttpBlock) -> Steps[bool]:
        passed = False
        for turn in self.turns(block):
            verdicts = yield from self.taken(turn, block)
            if verdicts is None:
                if block.payloads.sets:
                    continue
                break  # nuclei sends no further request of the block either
            passed |= any(verdict.passed for verdict in verdicts)
            if block.stops_at_first_match and any(verdict.ends for verdict in verdicts):
                break
        return passed

    def several_at_a_time(self, block: HttpBlock) -> Steps[bool]:
        """The same with so many requests under way as the block has threads; none depends on another."""
        passed, waiting = False, list[tuple[int, Mapping[str, str], Request]]()
        for number, plan in self.turns(block):
            request = self.built(plan)
            if request is not None:
                waiting.append((number, self.values.payloads, request))
            if len(waiting) == block.threads:
                passed |= yield from self.together(waiting, block)
                waiting = []
        return passed | (yield from self.together(waiting, block))

    def together(
        self, waiting: Sequence[tuple[int, Mapping[str, str], Request]], block: HttpBlock
    ) -> Steps[bool]:
        """Send requests at the same time; each response is judged with the payloads of its request."""
        sending = tuple(self.jar.apply(one) if block.keeps_cookies else one for _, _, one in waiting)
        answers: tuple[HttpAnswer, ...] = (yield Burst(sending)) if sending else ()
        passed = False
        for (number, payloads, _), request, answer in zip(waiting, sending, answers, strict=True):
            self.values.payloads = payloads
            hops = yield from self.hops(request, answer, block)
            passed |= any(verdict.passed for verdict in self.judged(hops, number, block))
        return passed

    def turns(self, block: HttpBlock) -> Iterator[Turn]:
        """What is to be sent, one after the other; each turn finds its payloads and iterated values set."""
        sent: set[int] = set()
        for combination in block.payloads.combinations():
            if not self.takes_payloads(combination, block):
                continue
            for number, plan in enumerate(block.requests, 1):
                if plan.once and number in sent:
                    continue
                sent.add(number)
                for _ in self.values.iterations() if block.iterates else (None,):
                    yield number, plan

    def takes_payloads(self, combination: Combination, block: HttpBlock) -> bool:
        """Make a combination of payloads the current one; whether all of them have a value."""
        try:
            self.values.use_payloads(combination, lenient=block.is_lenient)
        except Unresolved as error:
            self.outcome.unsent.append(f"{error} has no value")
        except DslError as error:
            self.outcome.unsent.append(str(error))
        else:
            return True
        return False

    def taken(self, turn: Turn, block: HttpBlock) -> Steps[list[Verdict] | None]:
        """Send the request of a turn and judge what comes; None when it could not be made."""
        number, plan = turn
        request = self.built(plan)
        if request is None:
            return None
        if block.race_count > 1:
            return (yield from self.raced(request, number, block))
        return self.judged((yield from self.exchange(request, block)), number, block)

    def built(self, plan: RequestPlan) -> Request | None:
        try:
            return self.bounded(plan.build(self.values))
        except Unresolved as error:
            self.outcome.unsent.append(f"{error} has no value")
        except (BadUrl, DslError) as error:
            self.outcome.unsent.append(str(error))
        return None

    def bounded(self, request: Request) -> Request:
        """Where earlier responses are kept, all of them together may take what one may take otherwise."""
        if not self.program.keeps_history:
            return request
        share = LARGEST_BODY // self.program.kept_count
        return request if request.max_body <= share else replace(request, max_body=share)

    def raced(self, request: Request, number: int, block: HttpBlock) -> Steps[list[Verdict]]:
        """Send one request several times at once and judge what comes of each."""
        sending = self.jar.apply(request) if block.keeps_cookies else request
        answers: tuple[HttpAnswer, ...] = yield Burst((sending,) * block.race_count)
        verdicts: list[Verdict] = []
        for answer in answers:
            hops = yield from self.hops(sending, answer, block)
            verdicts += self.judged(hops, number, block)
        return verdicts

    def exchange(self, request: Request, block: HttpBlock) -> Steps[list[ResponseParts]]:
        """Send a request and what it redirects to; the hops that were answered, in order."""
        sending = self.jar.apply(request) if block.keeps_cookies else request
        answer: HttpAnswer = yield sending
        return (yield from self.hops(sending, answer, block))

    def hops(self, request: Request, answer: HttpAnswer, block: HttpBlock) -> Steps[list[ResponseParts]]:
        """What a request came to, and what it redirects to; the hops that were answered, in order."""
        hops: list[ResponseParts] = []
        while True:
            if isinstance(answer, Response) and block.login is not None:
                request, answer = yield from self.authenticated(request, answer, block.login)
            self.outcome.sent += 1
            if isinstance(answer, RequestFailed):
                self.outcome.failed.append(answer.error)
                return hops
            if block.keeps_cookies:
                self.jar.store(request, answer)
            hops.append(ResponseParts(request, answer))
            following = block.redirects.next(request, answer)
            if following is None or len(hops) > block.redirects.most:
                return hops
            request = self.jar.apply(following) if block.keeps_cookies else following
            answer = yield request

    def authenticated(
        self, request: Request, answer: HttpAnswer, login: DigestLogin
    ) -> Steps[tuple[Request, HttpAnswer]]:
        """The request and answer again with credentials, when the server asks for them by digest."""
        again = login.answer(request, answer) if isinstance(answer, Response) else None
        if again is None:
            return request, answer
        self.outcome.sent += 1
        return again, (yield again)

"""Many templates on one target, so that what several of them would ask is asked once. Pure: no I/O.

Every execution is run up to what it asks first; equal asks, down to the byte, are merged, and the one answer
is given to all who wait for it. They may ask something equal again, and so on. Nothing is assumed about a
template: each gets exactly the answers it would have got alone, in its order, with its own cookies, and stops
where it would have stopped. An answer is not kept for later: an ask joins those that wait to be sent, never
one that is under way, for the answer to that may be older than what the template did before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from rookery.mechanisms.engine.asks import Answers, Ask, Steps
from rookery.mechanisms.engine.errors import CheckBroken
from rookery.mechanisms.engine.execution import execute
from rookery.mechanisms.engine.messages import Request, Response
from rookery.mechanisms.engine.outcome import Outcome
from rookery.mechanisms.engine.target import Target
from rookery.mechanisms.engine.template import Template


@dataclass(frozen=True, slots=True)
class Done:
    """One template has been run on one target."""

    template: Template
    target: Target
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Execution:
    template: Template
    steps: Steps[Outcome]


@dataclass(slots=True)
class Shared:
    """An ask to be sent, and who waits for the answer, each with the ask as it made it: of equal requests,
    the one that wants most of the answer is sent, and the others get as much as they wanted."""

    ask: Ask
    waiting: list[tuple[_Execution, Ask]]

    def join(self, execution: _Execution, ask: Ask) -> None:
        """One more waits."""
        self.waiting.append((execution, ask))
        if isinstance(ask, Request) and isinstance(self.ask, Request) and ask.max_body > self.ask.max_body:
            self.ask = ask


class Plan:
    """The executions of any number of templates on a target: `begin` them all, then `take` and `give`.

    What many wait for is taken last, for others may still come to ask it. `executions` counts those that are
    not done, `under_way` the asks that were taken and not yet given.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.executions = 0
        self.under_way = 0
        self._single: OrderedDict[Ask, Shared] = OrderedDict()
        self._several: dict[Ask, Shared] = {}

    @property
    def asks(self) -> int:
        """How many wait to be taken."""
        return len(self._single) + len(self._several)

    def begin(self, template: Template) -> Done | None:
        """Start a template; Done when it has nothing to ask."""
        self.executions += 1
        return self._go_on(_Execution(template, execute(template, self.target)), None)

    def take(self) -> Shared | None:
        """What to send next, None while nothing waits."""
        if self._single:
            shared = self._single.popitem(last=False)[1]
        elif self._several:
            rarest = min(self._several, key=lambda ask: len(self._several[ask].waiting))
            shared = self._several.pop(rarest)
        else:
            return None
        self.under_way += 1
        return shared

    def give(self, shared: Shared, answer: Answers) -> Iterator[Done | None]:
        """Give the answer to each who waits for it, one with each step; Done for an execution it ended."""
        self.under_way -= 1
        for execution, ask in shared.waiting:
            yield self._go_on(execution, _as_wanted(answer, ask))

    def close(self) -> None:
        """Leave what has not ended."""
        for shared in (*self._single.values(), *self._several.values()):
            for execution, _ in shared.waiting:
                execution.steps.close()

    def _go_on(self, execution: _Execution, answer: Answers | None) -> Done | None:
        try:
            ask = next(execution.steps) if answer is None else execution.steps.send(answer)
        except StopIteration as finished:
            self.executions -= 1
            return Done(execution.template, self.target, finished.value)
        except Exception as error:  # noqa: BLE001 -- what no one thought of costs this check, not the others
            self.executions -= 1
            broken = CheckBroken(execution.template.id, error)
            return Done(execution.template, self.target, Outcome(failed=[broken]))
        self._wait(ask, execution)
        return None

    def _wait(self, ask: Ask, execution: _Execution) -> None:
        if (shared := self._several.get(ask)) is not None:
            shared.join(execution, ask)
        elif (shared := self._single.pop(ask, None)) is not None:
            shared.join(execution, ask)
            self._several[ask] = shared
        else:
            self._single[ask] = Shared(ask, [(execution, ask)])


def _as_wanted(answer: Answers, ask: Ask) -> Answers:
    if isinstance(answer, Response) and isinstance(ask, Request):
        return answer.up_to(ask.max_body)
    return answer

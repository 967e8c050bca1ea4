"""What people do with findings: decide, assign, note, label. Which ones is said in the filter language."""

from __future__ import annotations

import msgspec
from sqlalchemy.orm import Session

from rookery.base.clock import from_us, now_us
from rookery.base.dates import moment_us
from rookery.domains.findings import deciding
from rookery.domains.findings.conditions import conditions
from rookery.domains.findings.deciding import Conditions, Decision
from rookery.domains.findings.errors import DecisionNotValid, FindingNotFound, TransitionNotAllowed
from rookery.domains.findings.events import (
    FindingsAssigned,
    FindingsLabelled,
    FindingsNoted,
    FindingsTriaged,
)
from rookery.domains.findings.rules import DISMISSED, TRANSITIONS, State, may_become
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

LONGEST_TEXT = 4_000  # characters of a reason or a note
LONGEST_WORD = 100  # of an owner or a label


class DecisionOutcome(msgspec.Struct, frozen=True):
    """How many findings a filter chose, how many changed; `left` counts by state those that could not."""

    chosen: int
    changed: int
    left: dict[str, int] = {}


@dual
def triage(
    rook: Rook, /, filter_: str, state: State, *, reason: str = "", until: str = ""
) -> DecisionOutcome:
    """Bring the findings that a filter chooses to another state.

    What is dismissed (false_positive, risk_accepted, out_of_scope) takes a reason; an accepted risk also
    `until`: a day (2027-01-31) or a time from now (90d). Raises FilterNotValid, DecisionNotValid,
    FindingNotFound when the filter chooses none, TransitionNotAllowed when none of them may change.
    """
    decision = _decision(state, _text(reason), until, rook.actor)
    where = conditions(filter_)
    with rook.transaction() as session:
        before = _some(session, where, filter_)
        left = {was.value: count for was, count in before.items() if not may_become(was, state)}
        if sum(left.values()) == sum(before.values()):
            raise TransitionNotAllowed(_why_not(list(before), state))
        ids = deciding.ids_of(session, where)
        changed = deciding.decide(session, where, decision)
        day = "" if decision.until_us is None else f"{from_us(decision.until_us):%Y-%m-%d}"
        rook.emit(FindingsTriaged(filter_, state.value, decision.reason, day, changed, ids))
    return DecisionOutcome(sum(before.values()), changed, left)


@dual
def assign(rook: Rook, /, filter_: str, owner: str) -> DecisionOutcome:
    """Give the findings that a filter chooses to somebody; `""` is nobody."""
    owner, where = _word(owner), conditions(filter_)
    with rook.transaction() as session:
        chosen, ids = sum(_some(session, where, filter_).values()), deciding.ids_of(session, where)
        changed = deciding.assign(session, where, owner, actor=rook.actor)
        rook.emit(FindingsAssigned(filter_, owner, changed, ids))
    return DecisionOutcome(chosen, changed)


@dual
def note(rook: Rook, /, filter_: str, text: str) -> DecisionOutcome:
    """Write a note into the history of the findings that a filter chooses."""
    text, where = _text(text), conditions(filter_)
    if not text:
        raise DecisionNotValid("There is nothing in the note.")
    with rook.transaction() as session:
        chosen, ids = sum(_some(session, where, filter_).values()), deciding.ids_of(session, where)
        deciding.note(session, where, text, actor=rook.actor)
        rook.emit(FindingsNoted(filter_, text, chosen, ids))
    return DecisionOutcome(chosen, chosen)


@dual
def label(
    rook: Rook, /, filter_: str, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
) -> DecisionOutcome:
    """Add labels to the findings that a filter chooses, and take others from them."""
    add, remove, where = tuple(map(_word, add)), tuple(map(_word, remove)), conditions(filter_)
    if not (add or remove) or "" in (*add, *remove):
        raise DecisionNotValid("Name at least one label to add or to remove.")
    with rook.transaction() as session:
        chosen, ids = sum(_some(session, where, filter_).values()), deciding.ids_of(session, where)
        changed = deciding.label(session, where, add, remove, actor=rook.actor)
        rook.emit(FindingsLabelled(filter_, add, remove, changed, ids))
    return DecisionOutcome(chosen, changed)


def _some(session: Session, where: Conditions, filter_: str) -> dict[State, int]:
    states = deciding.states_of(session, where)
    if not states:
        raise FindingNotFound(f"No finding fits {filter_!r}. `rookery findings list` shows what there is.")
    return states


def _decision(state: State, reason: str, until: str, actor: str) -> Decision:
    if state in DISMISSED and not reason:
        raise DecisionNotValid(f"{state} takes a reason: whoever comes later will ask for it.")
    if (state is State.RISK_ACCEPTED) != bool(until):
        raise DecisionNotValid(
            "A risk is accepted until some day (2027-01-31, or 90d from now); nothing else takes one."
        )
    until_us = moment_us(until, now_us()) if until else None
    if until_us is not None and until_us <= now_us():
        raise DecisionNotValid(f"{until[:80]!r} is no day ahead: give 2027-01-31, or 90d from now.")
    return Decision(state, reason, actor, until_us)


def _why_not(states: list[State], new: State) -> str:
    ways = (f"{was} becomes {', '.join(sorted(TRANSITIONS[was]))}" for was in states)
    return f"None of these can become {new}: {'; '.join(ways)}."


def _text(text: str) -> str:
    text = text.strip().replace("\0", "")
    if len(text) > LONGEST_TEXT:
        raise DecisionNotValid(f"That text has {len(text)} characters; {LONGEST_TEXT} are allowed.")
    return text


def _word(text: str) -> str:
    word = _text(text)
    if len(word) > LONGEST_WORD or not (word.isprintable()):
        raise DecisionNotValid(f"{word[:20]!r}… is no name: at most {LONGEST_WORD} printable characters.")
    return word

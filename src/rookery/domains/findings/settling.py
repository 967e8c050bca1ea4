"""What follows from a run that is over: what it covered and did not see any more is fixed; acceptances end.

Only findings on covered targets that the run did not see are read, a block of targets at a time; what is to
be changed is changed by one statement per block, its history written by the same selection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, String, cast, delete, func, literal, select, update
from sqlalchemy.orm import Session

from rookery.base.clock import now_us as clock_us
from rookery.base.config import Findings as Policy
from rookery.domains.findings.dialects import insert_into
from rookery.domains.findings.models import Finding, FindingAlias, FindingEvent
from rookery.domains.findings.places import canonical_target
from rookery.domains.findings.rules import BY_RULE, DEFAULT_PROJECT, State
from rookery.domains.findings.standing import RULE
from rookery.mechanisms.dual import dual, dual_read

BLOCK = 500  # targets read at a time, and findings changed at a time: well below every database's limit

Covered = Iterable[tuple[str, Collection[str]]]
"""(target, ids of the templates that completed on it), for each target of a run."""


class Settled(msgspec.Struct, frozen=True):
    """What a run's end changed: so many findings fixed, missed but not yet fixed, acceptances that ended."""

    fixed: int = 0
    missed: int = 0
    expired: int = 0


class Absent(NamedTuple):
    """A finding that a run covered and did not see."""

    id: str
    target: str
    template_id: str
    missed_count: int


@dual
def settle(
    session: Session,
    /,
    *,
    run_id: str,
    started_us: int,
    covered: Covered,
    project_id: str = DEFAULT_PROJECT,
    policy: Policy | None = None,
) -> Settled:
    """Draw the conclusions from a run that has ended, after its sightings are stored.

    `covered` gives, for each target (`scheme://host:port`, `host:port`, a path), the ids of the templates
    whose check was completed there: only such a pair can close a finding. One that anybody saw since
    `started_us`, when the run began, is not absent. After `policy.fixed_after_misses` misses in a row it is
    fixed. Acceptances of risk that have run out are opened again, in the whole project.
    """
    policy = policy or Policy()
    expired = expire(session, project_id=project_id)
    fixed = missed = 0
    for block in _blocks(covered):
        _forget_aliases(session, project_id, run_id, started_us, block)
        absent = [
            one
            for one in _absent(session, project_id, run_id, started_us, block)
            if one.template_id in block[one.target]
        ]
        absent = _still_seen_elsewhere(session, absent)
        gone = [one.id for one in absent if one.missed_count + 1 >= policy.fixed_after_misses]
        _fix(session, gone, run_id, started_us)
        _miss(session, [one.id for one in absent if one.missed_count + 1 < policy.fixed_after_misses])
        fixed, missed = fixed + len(gone), missed + len(absent) - len(gone)
    return Settled(fixed, missed, expired)


@dual_read
def has_lapsed(session: Session, /) -> bool:
    """Whether anything is still accepted whose time is over."""
    return session.scalars(select(Finding.id).where(_is_over(clock_us())).limit(1)).first() is not None


@dual
def expire(session: Session, /, *, project_id: str | None = None) -> int:
    """Open again what was accepted until a day that has passed, of one project or of all; how many."""
    now_us = clock_us()
    is_over = _is_over(now_us)
    if project_id is not None:
        is_over &= Finding.project_id == project_id
    reason = "The time for which its risk was accepted is over."
    change = _Change(State.RISK_ACCEPTED, reason, "", now_us)
    key = literal("expired/") + cast(Finding.state_until_us, String) + literal("/") + Finding.id
    return _apply(session, is_over, key, change, {"state_until_us": None})


def _is_over(now_us: int) -> ColumnElement[bool]:
    return (Finding.state_until_us < now_us) & (Finding.state == State.RISK_ACCEPTED.value)


class _Change(NamedTuple):
    """A change by rule, from a state (or, for None, from whichever the row is in), and why."""

    state: State
    reason: str
    run_id: str
    now_us: int


def _apply(
    session: Session,
    chosen: ColumnElement[bool],
    key: ColumnElement[str],
    change: _Change,
    more: Mapping[str, Any],
) -> int:
    """Write the history of the chosen findings, then their new state; how many there were."""
    new = BY_RULE[change.state].value
    columns = ["id", "finding_id", "at_us", "kind", "actor", "from_state", "to_state", "reason", "run_id"]
    values = (literal(value) for value in (change.now_us, "state", RULE))
    told = (literal(value) for value in (new, change.reason, change.run_id))
    lines = select(key, Finding.id, *values, Finding.state, *told).where(chosen)
    session.execute(insert_into(session, FindingEvent).from_select(columns, lines).on_conflict_do_nothing())
    decided = {"state": new, "state_reason": change.reason, "state_by": RULE, "state_at_us": change.now_us}
    changed = update(Finding).where(chosen).values(**decided, needs_review=False, **more)
    result: Any = session.execute(changed, execution_options={"synchronize_session": False})
    return int(result.rowcount)


def _blocks(covered: Covered) -> Iterator[dict[str, Collection[str]]]:
    pairs = iter(covered)
    while block := list(islice(pairs, BLOCK)):
        templates: dict[str, Collection[str]] = {}
        for target, ids in block:
            name = canonical_target(target)
            templates[name] = {*templates[name], *ids} if name in templates else ids
        yield templates


def _is_absent(project_id: str, run_id: str, started_us: int) -> ColumnElement[bool]:
    return (
        (Finding.project_id == project_id)
        & Finding.state.in_([State.OPEN.value, State.TRIAGED.value])
        & (Finding.last_run_id != run_id)
        & (Finding.last_seen_us < started_us)
    )


def _absent(
    session: Session, project_id: str, run_id: str, started_us: int, block: Mapping[str, Collection[str]]
) -> list[Absent]:
    columns = [getattr(Finding, name) for name in Absent._fields]
    is_absent = _is_absent(project_id, run_id, started_us)
    rows = session.execute(select(*columns).where(is_absent, Finding.target.in_(list(block))))
    return [Absent(*row) for row in rows]


def _forget_aliases(
    session: Session, project_id: str, run_id: str, started_us: int, block: Mapping[str, Collection[str]]
) -> None:
    """A target through which a finding was seen, and is not seen any more, is no alias of it."""
    query = select(FindingAlias.target, FindingAlias.finding_id, Finding.template_id).join(
        Finding, Finding.id == FindingAlias.finding_id
    )
    is_absent = _is_absent(project_id, run_id, started_us)
    rows = session.execute(query.where(is_absent, FindingAlias.target.in_(list(block))))
    gone = [(target, id_) for target, id_, template in rows if template in block[target]]
    for target, id_ in gone:
        session.execute(
            delete(FindingAlias).where(FindingAlias.target == target, FindingAlias.finding_id == id_)
        )


def _still_seen_elsewhere(session: Session, absent: Sequence[Absent]) -> list[Absent]:
    """Leave out findings that were also seen through another target: that one is theirs from now on."""
    aliases: dict[str, str] = {}
    for ids in _chunks([one.id for one in absent]):
        query = select(FindingAlias.finding_id, func.min(FindingAlias.target))
        rows = session.execute(
            query.where(FindingAlias.finding_id.in_(ids)).group_by(FindingAlias.finding_id)
        )
        aliases.update((id_, target) for id_, target in rows)
    for id_, target in aliases.items():
        session.execute(update(Finding).where(Finding.id == id_).values(target=target))
        session.execute(
            delete(FindingAlias).where(FindingAlias.target == target, FindingAlias.finding_id == id_)
        )
    return [one for one in absent if one.id not in aliases]


def _fix(session: Session, ids: Sequence[str], run_id: str, started_us: int) -> None:
    reason = "Its check was completed, and it was not seen any more."
    change = _Change(State.OPEN, reason, run_id, clock_us())
    more = {"fixed_us": started_us, "missed_count": Finding.missed_count + 1}
    for chunk in _chunks(ids):
        _apply(session, Finding.id.in_(chunk), literal(f"{run_id}/") + Finding.id, change, more)


def _miss(session: Session, ids: Sequence[str]) -> None:
    for chunk in _chunks(ids):
        missed = update(Finding).where(Finding.id.in_(chunk)).values(missed_count=Finding.missed_count + 1)
        session.execute(missed, execution_options={"synchronize_session": False})


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + BLOCK] for start in range(0, len(ids), BLOCK))

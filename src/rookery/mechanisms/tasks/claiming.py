"""Taking tasks: the lowest ranks first, no more at a time than limits allow, each by one worker alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from rookery.base.clock import now_us
from rookery.mechanisms.store import sql

if TYPE_CHECKING:
    from sqlalchemy import Connection

LEASE_SECONDS = 60.0
"""So long is a task its worker's, without a sign of life from it."""

MOST_LOOKS = 100
"""So often a claim looks again for more, when limits have stopped what it found."""

ASKED_AT_ONCE = 500
"""Limits that are looked up together."""

LIMITS_LOCK = 0x7461736B  # "task"
"""Whoever takes or frees a place of a limit holds this lock: what one frees, the other must not overlook."""


class Claimed(NamedTuple):
    """A task that is this worker's. `attempt` is the fence: nothing is written for an earlier one."""

    id: str
    type: str
    payload: str
    attempt: int
    failures: int
    timeout: float | None
    limits: str | None
    retry: str | None
    rank: int
    actor: str
    parent_id: str | None
    run_at_us: int
    kills: int

    @property
    def is_suspect(self) -> bool:
        """A worker has died under it: it may be what that one died of."""
        return self.kills > 0


class Claims(NamedTuple):
    """What was claimed; `is_more` when others were looked at in vain, so that it is worth looking again."""

    tasks: list[Claimed]
    is_more: bool


CLAIMED = (
    "id, type, payload, attempts, failures, timeout, limits, retry, rank, actor, parent_id, run_at_us, kills"
)
"""The columns of a Claimed."""

_CLAIM = f"""
    WITH picked AS MATERIALIZED (
        SELECT id FROM task WHERE status = 'pending' AND waits_for IS NULL AND {{which}}
        ORDER BY rank, id LIMIT :most {{locked}})
    UPDATE task SET status = 'running', worker_id = :worker, lease_until_us = :lease, started_us = :now,
        attempts = attempts + 1, cancel_us = NULL, dispatched_us = NULL, done = NULL, total = NULL,
        message = ''
    WHERE id IN (SELECT id FROM picked)
    RETURNING {CLAIMED}"""  # noqa: S608
_DUE = """
    SELECT id FROM task WHERE status IN ('scheduled', 'retrying') AND run_at_us <= :now {locked}"""
_PROMOTE = "UPDATE task SET status = 'pending' WHERE id = :id"
_PARK = """
    UPDATE task SET status = 'pending', waits_for = :key, worker_id = NULL, lease_until_us = NULL,
        attempts = attempts - 1 WHERE id = :id"""
_TAKE = "INSERT INTO task_slot (key, number, task_id) VALUES (:key, :number, :id)"
_FREE = "DELETE FROM task_slot WHERE task_id = :id RETURNING key"
_WAKE = """
    UPDATE task SET waits_for = NULL WHERE id IN (
        SELECT id FROM task WHERE waits_for = :key ORDER BY rank, id LIMIT 1 {locked})"""
_WAKE_FORGOTTEN = """
    UPDATE task SET waits_for = NULL WHERE id IN (
        SELECT id FROM task WHERE waits_for IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM task_slot WHERE task_slot.key = task.waits_for) {locked})"""


def claim(
    connection: Connection,
    worker: str,
    most: int,
    types: Iterable[str],
    *,
    has_suspects: bool = True,
) -> Claims:
    """Up to so many tasks of these types, which are running from now on; the most urgent first."""
    which, names = _of_types(types)
    which = which if has_suspects else f"{which} AND kills = 0"
    locked = sql.skipping_locked(connection)
    claimed: list[Claimed] = []
    for _ in range(MOST_LOOKS):
        values = {"worker": worker, "most": most - len(claimed), **names}
        picked = _picked(connection, which, values, LEASE_SECONDS, locked)
        admitted = _admitted(connection, picked)
        claimed += admitted
        if len(admitted) == len(picked):
            return Claims(claimed, is_more=len(claimed) == most)
    return Claims(claimed, is_more=True)


def claim_one(
    connection: Connection,
    worker: str,
    task_id: str,
    *,
    types: Iterable[str],
    lease: float = LEASE_SECONDS,
) -> Claimed | None:
    """This task, if it is pending, of one of these types, and no limit is in its way; nobody else has it then
    for `lease` seconds."""
    which, names = _of_types(types)
    values = {"worker": worker, "most": 1, "id": task_id, **names}
    locked = sql.locked(connection)  # whoever looks at it now does not keep it from us
    picked = _picked(connection, f"id = :id AND {which}", values, lease, locked)
    return next(iter(_admitted(connection, picked)), None)


def _of_types(types: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The condition for tasks of these types, and its values. No index on types may seem to help: those that
    have ended are in it, too."""
    names = {f"type{number}": name for number, name in enumerate(sorted(types))}
    return f"type || '' IN ({', '.join(':' + name for name in names)})", names


def _picked(
    connection: Connection, which: str, values: dict[str, Any], lease: float, locked: str
) -> list[Claimed]:
    now = now_us()
    values |= {"now": now, "lease": now + int(lease * 1e6)}
    found = [Claimed(*row) for row in sql.run(connection, _CLAIM.format(which=which, locked=locked), values)]
    return sorted(found, key=lambda task: (task.rank, task.id))


def _admitted(connection: Connection, picked: Iterable[Claimed]) -> list[Claimed]:
    """Those that no limit stops; the others wait."""
    return [task for task in picked if task.limits is None or _is_admitted(connection, task)]


def promote(connection: Connection) -> int:
    """Make pending what was to wait until now; how many those were."""
    due = sql.run(connection, _DUE.format(locked=sql.skipping_locked(connection)), {"now": now_us()}).all()
    if due:
        sql.run(connection, _PROMOTE, [{"id": row.id} for row in due])
    return len(due)


def _is_admitted(connection: Connection, task: Claimed) -> bool:
    """Whether the limits of a task let it run, whose places it then has; else it waits for one of them."""
    sql.one_at_a_time(connection, LIMITS_LOCK)
    limits = limits_of(task.limits)
    taken = _taken(connection, limits)
    places = {key: _free_place(taken[key], most) for key, most in limits.items()}
    full = next((key for key, number in places.items() if number is None), None)
    if full is not None:
        sql.run(connection, _PARK, {"id": task.id, "key": full})
        free = [key for key, number in places.items() if number is not None]
        wake(connection, free)  # it may have been woken for a place that it does not take
        return False
    rows = [{"key": key, "number": number, "id": task.id} for key, number in places.items()]
    sql.run(connection, _TAKE, rows)
    return True


def _taken(connection: Connection, keys: Iterable[str]) -> Mapping[str, Collection[int]]:
    """Which places of these limits are taken; a scan of a thousand hosts asks for a thousand."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    wanted = iter(keys)
    while some := tuple(islice(wanted, ASKED_AT_ONCE)):
        values = {f"key{number}": key for number, key in enumerate(some)}
        marks = ", ".join(f":{name}" for name in values)
        statement = f"SELECT key, number FROM task_slot WHERE key IN ({marks})"  # noqa: S608
        for row in sql.run(connection, statement, values):
            found[row.key].add(row.number)
    return found


def _free_place(taken: Collection[int], most: int) -> int | None:
    return next((number for number in range(most) if number not in taken), None)


def limits_of(text: str | None) -> Mapping[str, int]:
    """The limits in a row, by key."""
    return msgspec.json.decode(text, type=dict[str, int]) if text else {}


def free_limits(connection: Connection, task_id: str) -> None:
    """Give back the places of a task that runs no more, and wake for each the next one that waits for it."""
    sql.one_at_a_time(connection, LIMITS_LOCK)
    wake(connection, {row.key for row in sql.run(connection, _FREE, {"id": task_id})})


def wake(connection: Connection, keys: Iterable[str]) -> None:
    """Let the next task that waits for each of these limits try its luck.

    Rows are locked before the lock of limits, everywhere; who has that passes over rows that others hold.
    """
    if rows := [{"key": key} for key in sorted(keys)]:
        sql.one_at_a_time(connection, LIMITS_LOCK)
        sql.run(connection, _WAKE.format(locked=sql.skipping_locked(connection)), rows)


def wake_forgotten(connection: Connection) -> None:
    """Wake whoever waits for a limit of which no place is taken: nobody is left who would."""
    sql.run(connection, _WAKE_FORGOTTEN.format(locked=sql.skipping_locked(connection)))

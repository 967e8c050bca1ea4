"""Who comes first, who has to wait, and that nobody waits for ever."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks.claiming import Claimed, claim, limits_of, wake_forgotten
from rookery.mechanisms.tasks.finishing import finish
from rookery.mechanisms.tasks.outcomes import completed
from rookery.mechanisms.tasks.rules import SECONDS_PER_PRIORITY, TaskStatus, rank
from rookery.mechanisms.tasks.service import cancel_task, submit_task
from rookery.mechanisms.tasks.submitting import Submission, submit
from rookery.mechanisms.tasks.tally import Tally
from tests.conftest import Call
from tests.mechanisms.tasks.conftest import GateKeeper, Team, together

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)


def put(call: Call, payload: Any = 0, *, priority: int = 5, limits: str | None = None) -> str:
    """A task of the type echo, with these limits."""
    wanted = Submission(type="echo", payload=f'"{payload}"', actor="tester", priority=priority, limits=limits)
    with call.rook.engine.begin() as connection:
        return str(submit(connection, wanted))


def take(call: Call, most: int = 1, *, worker: str = "me", types: list[str] | None = None) -> list[Claimed]:
    with call.rook.engine.begin() as connection:
        return claim(connection, worker, most, types or ["echo"]).tasks


def end(call: Call, *tasks: Claimed, worker: str = "me") -> None:
    tally = Tally()
    with call.rook.engine.begin() as connection:
        assert finish(connection, worker, [completed(task, None) for task in tasks], tally) == []
        tally.write(connection)


def waiting(call: Call) -> dict[str, str | None]:
    return {task.id: task.waits_for for task in call.rook.tasks.list(limit=1_000) if task.waits_for}


# --- order


@databases
def test_the_more_urgent_comes_first_and_of_equals_the_older(call: Call) -> None:
    ids = {name: put(call, priority=int(name[0])) for name in ("5a", "9", "0", "5b", "1")}
    assert [task.id for task in take(call, 10)] == [ids[name] for name in ("0", "1", "5a", "5b", "9")]


@databases
def test_no_more_are_taken_than_wanted(call: Call) -> None:
    ids = [put(call) for _ in range(5)]
    assert [task.id for task in take(call, 2)] == ids[:2]
    assert [task.id for task in take(call, 2)] == ids[2:4]
    assert [task.id for task in take(call, 2)] == ids[4:]
    assert take(call, 2) == []


@given(first=st.integers(0, 9), second=st.integers(0, 9), seconds=st.integers(0, 1_000))
def test_whoever_has_waited_a_minute_longer_comes_before_a_better_priority(
    first: int, second: int, seconds: int
) -> None:
    """So the least urgent task waits for no task that was submitted nine minutes after it."""
    goes_first = rank(first, 0) < rank(second, seconds * 1_000_000)
    assert goes_first == ((first - second) * SECONDS_PER_PRIORITY < seconds)


@databases
def test_an_old_task_of_no_urgency_is_not_starved(call: Call) -> None:
    old = put(call, priority=9)
    with call.rook.engine.begin() as connection:  # ten minutes ago
        sql.run(connection, "UPDATE task SET rank = rank - 600000000")
    urgent = put(call, priority=0)
    assert [task.id for task in take(call, 2)] == [old, urgent]


@databases
def test_more_types_than_the_alphabet_has_letters_can_be_asked_for(call: Call) -> None:
    task_id = put(call)
    types = [f"type {number}" for number in range(100)]
    assert take(call, types=types) == []
    assert [task.id for task in take(call, types=[*types, "echo"])] == [task_id]


@databases
def test_workers_that_claim_at_once_share_and_none_is_claimed_twice(call: Call) -> None:
    ids = {put(call, number) for number in range(200)}

    def work(number: int) -> list[str]:
        taken: list[str] = []
        while tasks := take(call, 3, worker=f"w{number}"):
            taken += [task.id for task in tasks]
            end(call, *tasks, worker=f"w{number}")
        return taken

    taken = [task_id for each in together(work, 4) for task_id in each]
    assert Counter(taken) == Counter(ids)
    assert call.rook.tasks.health().counts[TaskStatus.COMPLETED] == 200


# --- limits


@databases
def test_no_more_run_of_one_key_than_its_limit_and_each_end_lets_the_next_one_in(call: Call) -> None:
    ids = [put(call, limits='{"r1":2}') for _ in range(5)]
    first, second = take(call, 5)
    assert [first.id, second.id] == ids[:2]
    assert waiting(call) == dict.fromkeys(ids[2:], "r1")
    assert take(call, 5) == []
    end(call, first)
    (third,) = take(call, 5)
    assert third.id == ids[2]
    end(call, second, third)
    assert [task.id for task in take(call, 5)] == ids[3:]


@databases
def test_those_who_must_wait_do_not_stand_in_the_way_of_others(call: Call) -> None:
    """They are first in the queue, and more than are looked at in one go."""
    busy = [put(call, limits='{"r1":1}') for _ in range(20)]
    other = put(call)
    assert [task.id for task in take(call, 2)] == [busy[0], other]


@databases
def test_a_task_with_several_limits_runs_when_all_of_them_let_it(call: Call) -> None:
    of_a, of_b = put(call, limits='{"a":1}'), put(call, limits='{"b":1}')
    both = put(call, limits='{"a":1,"b":1}')
    first, second = take(call, 5)
    assert {first.id, second.id} == {of_a, of_b}
    assert waiting(call) == {both: "a"}
    end(call, first)
    assert take(call, 5) == []
    assert waiting(call) == {both: "b"}
    end(call, second)
    assert [task.id for task in take(call, 5)] == [both]


@databases
def test_who_cannot_use_a_place_leaves_it_to_the_next(call: Call) -> None:
    """`both` is woken for the place of a, which it cannot take: b is full."""
    put(call, limits='{"a":1}'), put(call, limits='{"b":1}')
    both, only_a = put(call, limits='{"a":1,"b":1}'), put(call, limits='{"a":1}')
    first, _ = take(call, 5)
    take(call, 5)
    assert waiting(call) == {both: "a", only_a: "a"}
    end(call, first)
    assert [task.id for task in take(call, 5)] == [only_a]
    assert waiting(call) == {both: "b"}


@databases
def test_two_who_wait_for_each_others_limits_do_not_wake_each_other_for_ever(call: Call) -> None:
    holders = [put(call, limits='{"a":1}'), put(call, limits='{"b":1}')]
    for _ in range(3):
        put(call, limits='{"a":1,"b":1}'), put(call, limits='{"b":1,"a":1}')
    running = take(call, 10)
    assert [task.id for task in running] == holders
    with call.rook.engine.begin() as connection:
        assert claim(connection, "me", 10, ["echo"]).is_more is False
    end(call, *running)
    done = 0
    while tasks := take(call, 10):
        assert len(tasks) == 1
        end(call, *tasks)
        done += 1
    assert done == 6


@databases
def test_a_place_goes_on_when_the_one_who_was_woken_for_it_is_cancelled(call: Call) -> None:
    put(call, limits='{"a":1}')
    woken, next_one = put(call, limits='{"a":1}'), put(call, limits='{"a":1}')
    (running,) = take(call, 5)
    end(call, running)
    assert waiting(call) == {next_one: "a"}
    cancel_task(call.rook, woken)
    assert [task.id for task in take(call, 5)] == [next_one]


@databases
def test_who_waits_for_a_place_that_nobody_has_is_found(call: Call) -> None:
    task_id = put(call, limits='{"a":1}')
    with call.rook.engine.begin() as connection:
        sql.run(connection, "UPDATE task SET waits_for = 'a'")
    assert take(call) == []
    with call.rook.engine.begin() as connection:
        wake_forgotten(connection)
    assert [task.id for task in take(call)] == [task_id]


@databases
def test_a_task_type_says_its_limits_by_the_payload(call: Call, team: Team, gate: GateKeeper) -> None:
    folder = gate.log.parent
    elsewhere = GateKeeper(folder / "elsewhere", "gate")
    elsewhere.log.parent.mkdir()
    ids = [call(submit_task, "limited", keeper.payload) for keeper in (gate, gate, gate, elsewhere)]
    team.start(concurrency=4)
    gate.begun()
    elsewhere.begun()
    team.once(ids[1], lambda task: task.waits_for == str(folder))
    assert call.rook.tasks.health().counts[TaskStatus.RUNNING] == 2
    gate.open()
    elsewhere.open()
    assert {team.ended(task_id).result for task_id in ids} == {"through"}


MOST = {"a": 1, "b": 2, "c": 3}


class Census:
    """How many run of each key, as far as anybody can see; `exceeded` are the keys of which too many did."""

    def __init__(self) -> None:
        self.exceeded: list[str] = []
        self._running: Counter[str] = Counter()
        self._counting = threading.Lock()

    def note(self, tasks: list[Claimed], by: int) -> None:
        with self._counting:
            for key in (key for task in tasks for key in limits_of(task.limits)):
                self._running[key] += by
                self.exceeded += [key] if self._running[key] > MOST[key] else []


@databases
def test_limits_hold_whoever_claims_ends_and_cancels_at_the_same_time(call: Call) -> None:
    """Four workers, and one who cancels; nobody exceeds a limit, and nobody is forgotten."""
    keys = [random.sample(sorted(MOST), random.randint(1, 3)) for _ in range(120)]
    ids = [put(call, limits=json.dumps({key: MOST[key] for key in each})) for each in keys]
    census, tasks_of = Census(), call.rook.tasks

    def work(number: int) -> None:
        if number == 0:
            for task_id in random.sample(ids, 30):
                tasks_of.cancel_task(task_id)
        while any(tasks_of.health().counts[status] for status in (TaskStatus.PENDING, TaskStatus.RUNNING)):
            tasks = take(call, 2, worker=f"w{number}")
            census.note(tasks, 1)
            census.note(tasks, -1)
            end(call, *tasks, worker=f"w{number}")

    together(work, 5)
    assert census.exceeded == []
    assert waiting(call) == {}
    with call.rook.engine.begin() as connection:
        assert sql.run(connection, "SELECT COUNT(*) FROM task_slot").scalar() == 0

"""Where a task may go from where it stands: a simple model, and both databases, which know it too."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import DBAPIError

from rookery import app
from rookery.base.clock import now
from rookery.base.config import Config
from rookery.base.errors import FatalError, TemporaryError
from rookery.mechanisms import store
from rookery.mechanisms.store import sql
from rookery.mechanisms.tasks import losing
from rookery.mechanisms.tasks.claiming import Claimed, claim, promote
from rookery.mechanisms.tasks.errors import TaskConflict, TaskNotFound
from rookery.mechanisms.tasks.finishing import finish
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.losing import reclaim
from rookery.mechanisms.tasks.outcomes import Outcome, completed, failed, given_back
from rookery.mechanisms.tasks.rules import ENDED, MOST_KILLS, TRANSITIONS, RetryPolicy, TaskStatus
from rookery.mechanisms.tasks.submitting import Submission, submit
from rookery.mechanisms.tasks.tally import Tally, sum_up
from tests.conftest import Call
from tests.mechanisms.tasks.jobs import TYPES

databases = pytest.mark.parametrize("call", ["sync-sqlite", "sync-postgresql"], indirect=True)

AT_ONCE = RetryPolicy(temporary=2, other=1, first_delay=0.0)
KEYS = ("k1", "k2")


# --- the databases


@databases
def test_a_database_lets_a_task_become_only_what_the_rules_name(call: Call) -> None:
    for before, after in product(TaskStatus, TaskStatus):
        is_legal = before == after or after in TRANSITIONS[before]
        if before is not TaskStatus.SCHEDULED:  # which a task can only begin as
            assert _becomes(call.rook, before, after) == is_legal, f"from {before} to {after}"


@databases
def test_a_scheduled_task_becomes_pending_or_cancelled_and_nothing_else(call: Call) -> None:
    task_id = str(call.rook.tasks.submit_task("echo", run_at=now() + timedelta(days=1)))
    for after in set(TaskStatus) - {TaskStatus.SCHEDULED, *TRANSITIONS[TaskStatus.SCHEDULED]}:
        assert not _changed(call.rook, task_id, after)
    assert _changed(call.rook, task_id, TaskStatus.PENDING)


def _becomes(rook: app.Rook, before: TaskStatus, after: TaskStatus) -> bool:
    task_id = _put(rook, "echo")
    for status in _way_to(before):
        assert _changed(rook, task_id, status)
    return _changed(rook, task_id, after)


def _changed(rook: app.Rook, task_id: str, status: TaskStatus) -> bool:
    """Whether the database let it become that."""
    try:
        with rook.engine.begin() as connection:
            sql.run(connection, _become(status), {"id": task_id})
    except DBAPIError as refusal:
        return "a task cannot become" not in str(refusal)
    return True


def _way_to(status: TaskStatus) -> list[TaskStatus]:
    """By which a pending task gets there."""
    is_near = status in {TaskStatus.PENDING, TaskStatus.RUNNING}
    return [status] if is_near else [TaskStatus.RUNNING, status]


def _become(status: TaskStatus) -> str:
    """Whatever else must be so in this status is so, too."""
    is_running, has_ended = status is TaskStatus.RUNNING, status in ENDED
    return f"""
        UPDATE task SET status = '{status}', worker_id = {"'w'" if is_running else "NULL"},
            lease_until_us = {1 if is_running else "NULL"}, finished_us = {1 if has_ended else "NULL"}
        WHERE id = :id"""


@databases
def test_a_database_refuses_what_makes_no_sense(call: Call) -> None:
    _put(call.rook, "echo")
    for change in (
        "status = 'lost'", "priority = 10", "worker_id = 'w'", "lease_until_us = 1", "finished_us = 1",
        "holds_key = true", "status = 'running'", "status = 'running', waits_for = 'a'",
    ):  # fmt: skip
        with pytest.raises(DBAPIError), call.rook.engine.begin() as connection:
            sql.run(connection, f"UPDATE task SET {change}")
    assert call.rook.tasks.list()[0].status is TaskStatus.PENDING


def test_the_migration_names_the_same_transitions_as_the_rules() -> None:
    text = Path(store.__file__).with_name("migrations").joinpath("versions", "0007_tasks.py").read_text()
    for before, after in product(TaskStatus, TaskStatus):
        assert (f"'{before}>{after}'" in text) == (after in TRANSITIONS[before])


def _put(rook: app.Rook, type_: str, key: str | None = None, *, limits: str | None = None) -> str:
    wanted = Submission(
        type=type_, payload="null", actor="tester", priority=5, key=key, limits=limits,
        retry='{"temporary":2,"other":1,"first_delay":0.0}',
    )  # fmt: skip
    with rook.engine.begin() as connection:
        return str(submit(connection, wanted))


# --- the model


@dataclass
class Model:
    """What a task is, as far as anybody needs to know."""

    key: str | None = None
    limited: bool = False
    status: TaskStatus = TaskStatus.PENDING
    failures: int = 0
    kills: int = 0
    attempts: int = 0
    cancelled: bool = False


GONE = Model(status=TaskStatus.COMPLETED)
"""What stands for a task that was pruned."""


def _after(model: Model, outcome: str) -> TaskStatus:
    """What a running task becomes by the end of its attempt."""
    if outcome == "good":
        return TaskStatus.COMPLETED
    retries = {"hopeless": 0, "bad": AT_ONCE.other, "later": AT_ONCE.temporary}
    if outcome in retries and model.failures >= retries[outcome]:
        return TaskStatus.FAILED
    if model.cancelled:
        return TaskStatus.CANCELLED
    return TaskStatus.PENDING if outcome == "back" else TaskStatus.RETRYING


class Tasks(RuleBasedStateMachine):
    """Everything that may happen to tasks, in any order, beside a model that says what must come of it."""

    template: Path

    ids = Bundle("ids")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.template, self.folder / "rookery.db")
        self.rook = app.open(config=Config(data_dir=self.folder), actor="tester", types=TYPES)
        self.model: dict[str, Model] = {}
        self.workers = 0

    def teardown(self) -> None:
        self.rook.close()
        shutil.rmtree(self.folder)

    @rule(target=ids, key=st.sampled_from((None, *KEYS)), limited=st.booleans())
    def submit(self, key: str | None, limited: bool) -> str:
        task_id = _put(self.rook, "echo", key, limits='{"one at a time":1}' if limited else None)
        holder = self._holder(key)
        assert (task_id == holder) if holder else (task_id not in self.model)
        self.model.setdefault(task_id, Model(key, limited))
        return task_id

    def _holder(self, key: str | None) -> str | None:
        """The task that has this key, and has not ended."""
        holders = (id_ for id_, task in self.model.items() if task.key == key and task.status not in ENDED)
        return next(holders, None) if key else None

    @rule(target=ids)
    def submit_for_later(self) -> str:
        later = now() + timedelta(days=1)
        task_id = str(self.rook.tasks.submit_task("echo", run_at=later))
        self.model[task_id] = Model(status=TaskStatus.SCHEDULED)
        return task_id

    @rule(target=claims, most=st.integers(1, 4))
    def claim(self, most: int) -> object:
        self.workers += 1
        worker = f"w{self.workers}"
        with self.rook.engine.begin() as connection:
            tasks = claim(connection, worker, most, ["echo"]).tasks
        expected = self._next(most)
        assert [task.id for task in tasks] == expected
        for task_id in expected:
            self.model[task_id].status = TaskStatus.RUNNING
            self.model[task_id].attempts += 1
        return multiple(*((worker, task) for task in tasks))

    def _next(self, most: int) -> list[str]:
        """Those that a claim must get: in the order of their births or retries, one limited at a time."""
        ready = [task.id for task in self._stored() if self.model[task.id].status is TaskStatus.PENDING]
        is_full = any(task.limited and task.status is TaskStatus.RUNNING for task in self.model.values())
        found: list[str] = []
        for task_id in ready:
            limited = self.model[task_id].limited
            if len(found) < most and not (limited and is_full):
                found.append(task_id)
                is_full |= limited
        return found

    @rule(claimed=consumes(claims), outcome=st.sampled_from(("good", "bad", "hopeless", "later", "back")))
    def finish(self, claimed: tuple[str, Claimed], outcome: str) -> None:
        worker, task = claimed
        model, tally = self.model.get(task.id, GONE), Tally()
        with self.rook.engine.begin() as connection:
            lost = finish(connection, worker, [_outcome(task, outcome)], tally)
            tally.write(connection)
        is_current = model.status is TaskStatus.RUNNING and model.attempts == task.attempt
        assert bool(lost) is not is_current
        if is_current:
            model.status = _after(model, outcome)
            model.failures += outcome in {"bad", "later"}

    @rule(claimed=claims)
    def lose(self, claimed: tuple[str, Claimed]) -> None:
        """The worker dies, and all that it had is taken from it."""
        worker, _ = claimed
        tally = Tally()
        has = [task.id for task in self._stored() if task.worker_id == worker]
        with self.rook.engine.begin() as connection:
            reclaim(connection, worker, tally)
            tally.write(connection)
        for model in map(self.model.__getitem__, has):
            model.kills += 1
            after = (TaskStatus.PENDING, TaskStatus.RETRYING, TaskStatus.FAILED)
            model.status = after[min(model.kills, MOST_KILLS) - 1]
            if model.cancelled:
                model.status = TaskStatus.CANCELLED

    @rule()
    def promote(self) -> None:
        with self.rook.engine.begin() as connection:
            promote(connection)
        for model in self.model.values():
            if model.status is TaskStatus.RETRYING:
                model.status = TaskStatus.PENDING

    @rule(task_id=ids)
    def cancel(self, task_id: str) -> None:
        if (model := self.model.get(task_id)) is None:
            with pytest.raises(TaskNotFound):
                self.rook.tasks.cancel_task(task_id)
            return
        assert self.rook.tasks.cancel_task(task_id) == (model.status not in ENDED)
        model.cancelled = model.status is TaskStatus.RUNNING
        if not model.cancelled and model.status not in ENDED:
            model.status = TaskStatus.CANCELLED

    @rule(task_id=ids)
    def retry(self, task_id: str) -> None:
        model = self.model.get(task_id, GONE)
        if model.status not in {TaskStatus.FAILED, TaskStatus.CANCELLED} or self._holder(model.key):
            with pytest.raises((TaskNotFound, TaskConflict)):
                self.rook.tasks.retry_task(task_id)
            return
        self.rook.tasks.retry_task(task_id)
        model.status, model.failures, model.kills, model.cancelled = TaskStatus.PENDING, 0, 0, False

    @rule()
    def tidy(self) -> None:
        with self.rook.engine.begin() as connection:
            sum_up(connection, at_least=0)

    @rule()
    def prune(self) -> None:
        kept = {task_id: model for task_id, model in self.model.items() if model.status not in ENDED}
        assert self.rook.tasks.prune_tasks(now() + timedelta(days=1)) == len(self.model) - len(kept)
        self.model = kept

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        stored = {task.id: (task.status, task.attempts) for task in self._stored()}
        assert stored == {id_: (task.status, task.attempts) for id_, task in self.model.items()}
        assert _counts(self.rook) == Counter(task.status for task in self.model.values())

    def _stored(self) -> list[TaskInfo]:
        return sorted(self.rook.tasks.list(limit=10_000), key=lambda task: (task.run_at_us, task.id))


def _outcome(task: Claimed, name: str) -> Outcome:
    outcomes = {
        "good": completed(task, None),
        "bad": failed(task, ValueError(), AT_ONCE),
        "later": failed(task, TemporaryError(), AT_ONCE),
        "hopeless": failed(task, FatalError(), AT_ONCE),
        "back": given_back(task),
    }
    return outcomes[name]


def _counts(rook: app.Rook) -> Counter[TaskStatus]:
    return +Counter(rook.tasks.health().counts)


def test_tasks_go_where_the_model_says_and_nowhere_else(
    sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losing, "SPREAD_SECONDS", 0.0)
    Tasks.template = sqlite_template
    run_state_machine_as_test(
        Tasks, settings=settings(max_examples=30, stateful_step_count=40, deadline=None)
    )

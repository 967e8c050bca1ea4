"""The worker: one thread that talks to the database, and hands that do the work.

Everything that changes a row happens in this thread: in one transaction it records what has ended and claims
what comes next. The database may be away for a while: what ended meanwhile is recorded when it is back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rookery.base.errors import Invalid, Unavailable
from rookery.mechanisms.store import explained, limit_idling, open_engine, read_only
from rookery.mechanisms.tasks.claiming import LEASE_SECONDS, Claimed, claim
from rookery.mechanisms.tasks.errors import LeaseLost, TaskCancelled
from rookery.mechanisms.tasks.finishing import finish, give_back_strays
from rookery.mechanisms.tasks.outcomes import Outcome
from rookery.mechanisms.tasks.presence import Presence
from rookery.mechanisms.tasks.registry import Chore
from rookery.mechanisms.tasks.rules import TaskStatus
from rookery.mechanisms.tasks.tally import Tally
from rookery.mechanisms.tasks.worker.chores import Chores
from rookery.mechanisms.tasks.worker.job import Hands
from rookery.mechanisms.tasks.worker.listening import Ear
from rookery.mechanisms.tasks.worker.rows import cancelled_of, write_progress
from rookery.mechanisms.tasks.worker.upkeep import Upkeep
from rookery.mechanisms.tasks.worker.work import Work

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.measuring import Measures
    from rookery.mechanisms.tasks.registry import Runs

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Between two looks at what runs: progress to the database, cancellations from it."""
FOLLOW_SECONDS = 5.0
"""Between two looks at how many tasks a worker is to do at a time."""
LONGEST_PAUSE = 5.0
LAST_TRY_SECONDS = 10.0
"""So long a worker that is to stop waits for a database that is away."""


class NotRecorded(Unavailable):
    """What became of the last tasks could not be recorded: another worker will do them again."""


class Worker:
    """Runs tasks until `stop()`. `hands` do what runs in a thread, on a loop, in a process.

    `concurrency` is how many at a time (None: as many as is set, also when that changes), `only` are the
    types it takes (None: all that are registered), `grace` the seconds that running tasks have to end when it
    stops; then they are given back. With `drains` it stops by itself when nothing is left that could run now.
    """

    def __init__(
        self,
        rook: Rook,
        hands: Mapping[Runs, Hands],
        *,
        concurrency: int | None = None,
        only: Iterable[str] | None = None,
        grace: float = 30.0,
        drains: bool = False,
    ) -> None:
        self._types = rook.queue.types
        self._only = sorted(self._types if only is None else {self._types[name].name for name in only})
        if not self._only:
            raise Invalid("A worker without a type of task has nothing to do.")
        self.concurrency = concurrency or rook.current_config().queue.concurrency
        self._grace, self._drains = grace, drains
        self.presence = Presence(rook.data_dir)
        config = rook.config
        # Its own connections: leases must not wait behind what tasks do.
        self._durable = open_engine(config.database_url, sync_commits=config.database.sync_commits)
        limit_idling(self._durable, LEASE_SECONDS)
        # A power failure that SQLite forgets a claim in ends all workers, too: that need not reach the disk.
        is_sqlite = self._durable.dialect.name == "sqlite"
        self._engine = open_engine(config.database_url) if is_sqlite else self._durable
        self._reading = read_only(self._engine)
        self._upkeep = Upkeep(self._engine, rook.data_dir, self.presence.id, self._only, self.concurrency)
        following = Chore(name="queue.concurrency", act=self._follow, every=FOLLOW_SECONDS)
        self._chores = Chores(rook, (*self._types.chores, *(() if concurrency else (following,))))
        self._ear = Ear(self._engine, self.presence)
        self._work = Work(hands, self._types, rook.data_dir, self.presence.nudge)
        self._has_news, self._is_more = True, False
        self._stop_at: float | None = None
        self._pause, self._try_at, self._look_at = 0.0, 0.0, 0.0

    @property
    def measures(self) -> Measures:
        """What it has counted of its tasks."""
        return self._work.measures

    # --- life

    def run(self) -> None:
        """Work until `stop()` has been called and all is recorded. Raises NotRecorded when that failed."""
        with self.presence, self._chores:
            log.info("worker %s takes %s", self.presence.id, ", ".join(self._only))
            try:
                while not self._is_done():
                    self._turn()
            finally:
                self._leave()
            if self._work.outcomes:
                raise NotRecorded

    def stop(self) -> None:
        """Take no more tasks; from any thread or signal handler. At the second call, give back what runs."""
        self._stop_at = time.monotonic() + (self._grace if self._stop_at is None else 0.0)
        self.presence.nudge()

    def _follow(self, rook: Rook) -> None:
        """Do as many at a time as is set now."""
        wanted = rook.current_config().queue.concurrency
        if wanted != self.concurrency:
            log.info("worker %s does %d tasks at a time from now on", self.presence.id, wanted)
            self.concurrency = self._upkeep.concurrency = wanted
            self.presence.nudge()

    def _is_done(self) -> bool:
        if self._stop_at is None:
            return False
        is_in_vain = self._pause > 0 and time.monotonic() > self._stop_at + LAST_TRY_SECONDS
        return self._work.is_idle or (is_in_vain and not self._work.jobs)

    def _leave(self) -> None:
        self._work.interrupt_all()
        self._work.close()
        self._ear.close()
        with suppress(Unavailable), explained(self._engine):
            self._upkeep.leave()
        self._engine.dispose()
        self._durable.dispose()

    # --- one turn

    def _turn(self) -> None:
        self._has_news |= self.presence.sleep(self._seconds())
        self._ear.hear()
        self._work.collect()
        if time.monotonic() >= self._try_at:
            self._try_to_talk()
        self._enforce()

    def _seconds(self) -> float:
        """How long nothing needs to be done, unless somebody says so."""
        if self._work.has_ended:
            return 0.0
        if self._wants() and not self._pause:
            return 0.0
        return max(min(self._alarms()) - time.monotonic(), 0.0)

    def _alarms(self) -> Iterator[float]:
        """The next moments at which something needs attention, by the monotonic clock."""
        yield self._try_at if self._pause else time.monotonic() + self._upkeep.seconds
        yield from self._work.alarms()
        if self._stop_at is not None:
            yield max(self._stop_at, time.monotonic() + 0.05)
        if self._work.jobs and not self._pause:
            yield self._look_at

    def _free(self) -> int:
        return 0 if self._stop_at is not None else max(self.concurrency - self._work.busy, 0)

    def _wants(self) -> bool:
        """Whether there may be something to claim, and a hand for it."""
        return self._has_news and self._free() > 0

    def _enforce(self) -> None:
        self._work.enforce()
        if self._stop_at is not None and self._stop_at <= time.monotonic():
            self._work.interrupt_all()

    # --- the database

    def _try_to_talk(self) -> None:
        try:
            with explained(self._engine):
                self._talk()
            self._pause = 0.0
        except Unavailable as error:
            self._wait_for_database(error)

    def _wait_for_database(self, error: Exception) -> None:
        """What has ended stays known; leases may run out meanwhile, and the fence decides then."""
        self._pause = min(max(2 * self._pause, 0.1), LONGEST_PAUSE)
        self._try_at = time.monotonic() + self._pause
        self._has_news = True
        self._upkeep.hurry()
        log.warning("the database cannot be used now, trying again in %.1f s: %s", self._pause, error)

    def _talk(self) -> None:
        """Record and claim in one transaction; do what is due."""
        self._has_news |= self._ear.open()
        if self._work.outcomes or self._wants():
            with (self._durable if self._work.outcomes else self._engine).begin() as connection:
                lost, claimed = self._exchange(connection)
            self._has_news = self._is_more
            self._recorded(self._work.recorded(), lost)
            self._start(claimed)
        self._tend()
        self._compare()
        self._look_after()
        if self._drains and not self._has_news and not self._work.busy and self._stop_at is None:
            self.stop()

    def _exchange(self, connection: Connection) -> tuple[list[Outcome], list[Claimed]]:
        tally = Tally()
        self._is_more = self._has_news  # if no hand is free to look
        write_progress(connection, self.presence.id, self._work.news(of_all=False))
        lost = finish(connection, self.presence.id, self._work.outcomes, tally) if self._work.outcomes else []
        tally.write(connection)
        return lost, self._claimed(connection)

    def _claimed(self, connection: Connection) -> list[Claimed]:
        """One for each free hand; and more of them where many short ones can share a commit."""
        if not (free := self._free()):
            return []
        claims = claim(connection, self.presence.id, free, self._only)
        self._is_more, claimed = claims.is_more, claims.tasks
        if more := self._more(claimed, free):
            types = {task.type for task in claimed}
            claimed += claim(connection, self.presence.id, more, types, has_suspects=False).tasks
        return claimed

    def _more(self, claimed: Sequence[Claimed], free: int) -> int:
        if any(task.is_suspect for task in claimed):
            return 0
        return self._work.pace.more([self._types[task.type] for task in claimed], free)

    def _start(self, claimed: Sequence[Claimed]) -> None:
        """Have these done."""
        self._work.start(claimed, self._free())

    def _recorded(self, outcomes: Sequence[Outcome], lost: Sequence[Outcome]) -> None:
        """These have been recorded, but for those lost to other workers."""
        for each in lost:
            log.warning("task %s was taken over by another worker; its result is dropped", each.task.id)
        if any(outcome.status is TaskStatus.RETRYING for outcome in outcomes):
            self._upkeep.expect()

    def _tend(self) -> None:
        """Do for all workers what is due; there may be something to claim then."""
        self._has_news |= self._upkeep.turn()

    def _compare(self) -> None:
        """After a sign of life: end what others have taken over while there was none, and give back what was
        claimed in a commit whose success was never heard of."""
        if (mine := self._upkeep.mine) is None:
            return
        self._upkeep.mine = None
        jobs = self._work.jobs
        for job in jobs.values():
            if (job.task.id, job.task.attempt) not in mine:
                self._work.interrupt(job, LeaseLost())
        known = jobs.keys() | {outcome.task.id for outcome in self._work.outcomes}
        if any(id_ not in known for id_, _ in mine):
            with self._engine.begin() as connection:
                tally = Tally()
                give_back_strays(connection, self.presence.id, known, tally)
                tally.write(connection)

    def _look_after(self) -> None:
        """Progress to the database; cancellations from it."""
        if not self._work.jobs or time.monotonic() < self._look_at:
            return
        if news := self._work.news(of_all=True):
            with self._engine.begin() as connection:
                write_progress(connection, self.presence.id, news)
            self._work.written(news)
        with self._reading.begin() as connection:
            cancelled = cancelled_of(connection, self.presence.id)
        for task_id in cancelled:
            if (job := self._work.jobs.get(task_id)) is not None:
                self._work.interrupt(job, TaskCancelled())
        self._look_at = time.monotonic() + LOOK_SECONDS

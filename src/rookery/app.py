"""The composition root: from a Config to a Rook or an AsyncRook. Nothing happens at import."""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rookery.base.config import Config, decode_config, encode_config
from rookery.base.errors import ConfigError
from rookery.domains.audit import events as audit_events
from rookery.domains.audit.errors import KeyUnusable
from rookery.domains.audit.face import Audit
from rookery.domains.audit.listener import Listener
from rookery.domains.audit.service import AuditService
from rookery.domains.backups import events as backup_events
from rookery.domains.backups import tasks as backup_tasks
from rookery.domains.backups.face import Backups
from rookery.domains.backups.git.mirroring import Mirror
from rookery.domains.backups.texts import StoredConfigurations
from rookery.domains.credentials import events as credential_events
from rookery.domains.credentials.face import Credentials
from rookery.domains.devices import events as device_events
from rookery.domains.devices.face import Devices
from rookery.domains.findings import events as finding_events
from rookery.domains.findings.face import Findings
from rookery.domains.notifications import events as notification_events
from rookery.domains.notifications import tasks as notification_tasks
from rookery.domains.notifications.face import Notifications
from rookery.domains.notifications.hearing import followers
from rookery.domains.scans import events as scan_events
from rookery.domains.scans import tasks as scan_tasks
from rookery.domains.scans.face import Projects, Scans
from rookery.domains.schedules import events as schedule_events
from rookery.domains.schedules import tasks as schedule_tasks
from rookery.domains.schedules.face import Schedules
from rookery.domains.settings import events as setting_events
from rookery.domains.settings.face import Settings
from rookery.domains.settings.store import configured
from rookery.domains.templates import events as template_events
from rookery.domains.templates.face import Templates
from rookery.domains.users import events as user_events
from rookery.domains.users.face import Users
from rookery.foundations import configure, lay_foundations
from rookery.mechanisms import async_rook
from rookery.mechanisms import rook as mechanism
from rookery.mechanisms.store import (
    open_async_engine,
)
from rookery.mechanisms.tasks import events as task_events
from rookery.mechanisms.tasks.face import Tasks
from rookery.mechanisms.tasks.inline import InlineQueue
from rookery.mechanisms.tasks.notices import ANNOUNCING
from rookery.mechanisms.tasks.pruning import PRUNING
from rookery.mechanisms.tasks.queue import AnyWorker, DatabaseQueue, TaskQueue
from rookery.mechanisms.tasks.registry import Runs, TaskType, TaskTypes
from rookery.mechanisms.tasks.rq.queue import RqQueue, rq_worker
from rookery.mechanisms.tasks.worker.child import serve_order
from rookery.mechanisms.tasks.worker.core import Worker
from rookery.mechanisms.tasks.worker.coroutines import Coroutines
from rookery.mechanisms.tasks.worker.job import Hands
from rookery.mechanisms.tasks.worker.processes import Processes
from rookery.mechanisms.tasks.worker.threads import Threads

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


EVENTS = (
    *audit_events.EVENTS,
    *backup_events.EVENTS,
    *credential_events.EVENTS,
    *device_events.EVENTS,
    *finding_events.EVENTS,
    *notification_events.EVENTS,
    *scan_events.EVENTS,
    *schedule_events.EVENTS,
    *setting_events.EVENTS,
    *task_events.EVENTS,
    *template_events.EVENTS,
    *user_events.EVENTS,
)
"""What any domain announces; all of it is audited."""


def task_types(more: Iterable[TaskType] = ()) -> TaskTypes:
    """Every type of task that any domain has, and these; and what workers do beside them."""
    known = (*backup_tasks.TASKS, *notification_tasks.TASKS, *scan_tasks.TASKS, *more)
    chores = (PRUNING, ANNOUNCING, schedule_tasks.FIRING, notification_tasks.LOOKING_AFTER)
    return TaskTypes(known, chores=chores)


CHILD = (sys.executable, "-P", "-c", "from rookery.app import do_one_task; do_one_task()")
"""How a worker starts a task that gets a process of its own."""


def do_one_task(types: Iterable[TaskType] = ()) -> None:
    """A child of a worker: the task on standard input, what came of it on standard output."""
    serve_order(lambda settings: open(config=decode_config(settings), actor="system", types=types))


def worker_of(
    rook: mechanism.Rook,
    *,
    concurrency: int | None = None,
    only: Iterable[str] | None = None,
    drains: bool = False,
    child: Sequence[str] = CHILD,
) -> AnyWorker:
    """A worker for the tasks of this Rook's database: `run()` it in a thread, `stop()` it from any other.

    With `drains` it stops when nothing is left that could run now; without `concurrency` it does as many at a
    time as is set, also when that changes. It is of the kind that the configured backend wants; one of RQ
    takes every type, so that with `only` it raises ConfigError. `child` starts a process that calls
    `do_one_task` with the same types of tasks.
    """
    settings, hands = rook.config.queue, hands_of(rook, child)
    if settings.backend != "rq":
        return Worker(rook, hands, concurrency=concurrency, only=only, grace=settings.grace, drains=drains)
    if only is not None:
        raise ConfigError(
            "With queue.backend = 'rq' a worker takes every type of task, for RQ's queues are priorities: "
            "leave out --types, or set queue.backend = 'database'."
        )
    worker = rq_worker(settings.redis_url)
    worker.serve(rook, hands, concurrency=concurrency, grace=settings.grace, drains=drains)
    return worker


def hands_of(rook: mechanism.Rook, child: Sequence[str] = CHILD) -> dict[Runs, Hands]:
    """Who does what a worker has claimed, by where its functions run."""
    config, types = rook.config, rook.queue.types
    return {
        "thread": Threads(rook),
        "loop": Coroutines(partial(aopen, config=config, actor=rook.actor, types=types.values())),
        "process": Processes(child, encode_config(config)),
    }


def hands_in_line(rook: mechanism.Rook) -> dict[Runs, Hands]:
    """Who does what its submitter waits for: a child would not know the types of tasks of this program."""
    hands = hands_of(rook)
    return {**hands, "process": hands["thread"]}


def queue_of(config: Config, types: Iterable[TaskType] = (), *, is_async: bool = False) -> TaskQueue:
    """The task queue that is configured, for the types of all domains and these."""
    known = task_types(types)
    if config.queue.backend == "inline":
        own = partial(open, config=config, types=known.values())
        return InlineQueue(known, (lambda _: own()) if is_async else nullcontext, hands_in_line)
    if config.queue.backend == "rq":
        return RqQueue(known, config.queue.redis_url)
    return DatabaseQueue(known)


def mirror_of(config: Config, engine: Engine, audit: AuditService) -> Mirror | None:
    """The Git mirror, if one is configured and there can be new versions."""
    return Mirror(config, engine) if config.backups.mirror and audit.takes_writes else None


class Rook(mechanism.Rook):
    """The whole house for plain code: one attribute for each domain, with its verbs."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        *,
        actor: str,
        audit: AuditService,
        types: Iterable[TaskType] = (),
    ) -> None:
        queue = queue_of(config, types)
        mirror = mirror_of(config, engine, audit)
        heard = {**queue.listeners(), **(mirror.listeners() if mirror else {})}
        super().__init__(
            config, engine, actor=actor, journal=Listener(audit, EVENTS), queue=queue,
            listeners=heard, followers=followers(EVENTS), texts=StoredConfigurations(config),
            overrides=configured,
        )  # fmt: skip
        self.audit: Audit[mechanism.Rook] = Audit(self, audit)
        self.users: Users[mechanism.Rook] = Users(self)
        self.devices: Devices[mechanism.Rook] = Devices(self)
        self.credentials: Credentials[mechanism.Rook] = Credentials(self)
        self.backups: Backups[mechanism.Rook] = Backups(self)
        self.findings: Findings[mechanism.Rook] = Findings(self)
        self.scans: Scans[mechanism.Rook] = Scans(self)
        self.projects: Projects[mechanism.Rook] = Projects(self)
        self.templates: Templates[mechanism.Rook] = Templates(self)
        self.schedules: Schedules[mechanism.Rook] = Schedules(self)
        self.tasks: Tasks[mechanism.Rook] = Tasks(self)
        self.settings: Settings[mechanism.Rook] = Settings(self)
        self.notifications: Notifications[mechanism.Rook] = Notifications(self)
        self.on_close(audit.close)
        self.on_close(queue.close)
        if mirror:
            self.on_close(mirror.close)


class AsyncRook(async_rook.AsyncRook):
    """The whole house for coroutines: the same attributes, their verbs awaited."""

    def __init__(
        self,
        config: Config,
        engine: AsyncEngine,
        *,
        sync_engine: Engine,
        actor: str,
        audit: AuditService,
        types: Iterable[TaskType] = (),
    ) -> None:
        queue = queue_of(config, types, is_async=True)
        mirror = mirror_of(config, sync_engine, audit)
        heard = {**queue.listeners(), **(mirror.listeners() if mirror else {})}
        super().__init__(
            config, engine, sync_engine=sync_engine, actor=actor, journal=Listener(audit, EVENTS),
            queue=queue, listeners=heard, followers=followers(EVENTS), texts=StoredConfigurations(config),
            overrides=configured,
        )  # fmt: skip
        self.audit: Audit[async_rook.AsyncRook] = Audit(self, audit)
        self.users: Users[async_rook.AsyncRook] = Users(self)
        self.devices: Devices[async_rook.AsyncRook] = Devices(self)
        self.credentials: Credentials[async_rook.AsyncRook] = Credentials(self)
        self.backups: Backups[async_rook.AsyncRook] = Backups(self)
        self.findings: Findings[async_rook.AsyncRook] = Findings(self)
        self.scans: Scans[async_rook.AsyncRook] = Scans(self)
        self.projects: Projects[async_rook.AsyncRook] = Projects(self)
        self.templates: Templates[async_rook.AsyncRook] = Templates(self)
        self.schedules: Schedules[async_rook.AsyncRook] = Schedules(self)
        self.tasks: Tasks[async_rook.AsyncRook] = Tasks(self)
        self.settings: Settings[async_rook.AsyncRook] = Settings(self)
        self.notifications: Notifications[async_rook.AsyncRook] = Notifications(self)
        self.on_close(audit.close)
        self.on_close(queue.close)
        if mirror:
            self.on_close(mirror.close)


def open(  # noqa: A001  read as rookery.open
    data_dir: Path | str | None = None,
    *,
    config: Config | None = None,
    actor: str | None = None,
    types: Iterable[TaskType] = (),
) -> Rook:
    """Open Rookery for plain code, migrating its database if need be; close it, or use it in a `with`.

    `data_dir` overrides the configured one; without `config` the configuration is loaded as the command line
    loads it; `actor` is the operating system's user unless given; `types` are tasks of your own. Raises
    ConfigError, DataDirUnusable, a DatabaseUnavailable or a SchemaUnusable. A database that takes no writes
    is opened to be read, and what would write raises DatabaseReadOnly.
    """
    config = configure(data_dir, config)
    engine, audit = lay_foundations(config)
    return Rook(config, engine, actor=actor or default_actor(), audit=audit, types=types)


@asynccontextmanager
async def aopen(
    data_dir: Path | str | None = None,
    *,
    config: Config | None = None,
    actor: str | None = None,
    types: Iterable[TaskType] = (),
) -> AsyncIterator[AsyncRook]:
    """Open Rookery for coroutines, as `open` does; what blocks meanwhile happens in a thread."""
    config = await asyncio.to_thread(configure, data_dir, config)
    sync_engine, audit = await asyncio.to_thread(lay_foundations, config)
    if audit.takes_writes:
        with suppress(KeyUnusable):  # what it would sign will be refused
            await asyncio.to_thread(audit.prepare)
    engine = await asyncio.to_thread(
        open_async_engine,
        config.database_url,
        takes_writes=audit.takes_writes,
        sync_commits=config.database.sync_commits,
    )
    actor = actor or default_actor()
    async with AsyncRook(
        config, engine, sync_engine=sync_engine, actor=actor, audit=audit, types=types
    ) as rook:
        yield rook


def default_actor() -> str:
    """Who acts when no face says: this process's user, as the system knows it; $USER is anyone's to set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need not have a name
        return f"uid:{os.getuid()}"

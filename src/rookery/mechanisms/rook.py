"""Rook and AsyncRook: units of work, events after commit, and the two ways a port may wait.

An operation always receives a plain Rook; inside an AsyncRook that Rook's sessions run on the async engine
and its `wait_for`, `offload` and `each` suspend the surrounding task (bridge.py), where a plain Rook's block
the calling thread.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar

from sqlalchemy.orm import Session

from rookery.base.errors import RookeryError
from rookery.base.twins import twin
from rookery.mechanisms.store.faults import explained
from rookery.mechanisms.store.sharing import SharedCommits
from rookery.mechanisms.store.turns import turns_of
from rookery.mechanisms.store.unit import Sessions, Unit, refuse_inside_transaction
from rookery.mechanisms.waiting import InThread, Waiting

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from rookery.base.config import Config
    from rookery.mechanisms.journal import Journal
    from rookery.mechanisms.tasks.queue import TaskQueue
    from rookery.mechanisms.texts import Texts

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
Event = TypeVar("Event")

Listener = Callable[["Rook", Any], None]
Listeners = Mapping[type, Sequence[Listener]]
"""For each type of event, the functions to call with (rook, event), in this order."""

Follower = Callable[["Rook", "Session", Any], None]
Followers = Mapping[type, Sequence[Follower]]
"""For each type of event, what writes in the event's own transaction what follows from it."""

Overrides = Callable[["Session", "Config"], "Config"]
"""Gives a configuration with what was set in the database since."""


class Rook:
    """The whole house for plain code. Safe to share between threads; one transaction at a time in each.

    `actor` is who is said to act, in audit entries, and `request_id` by which request; `engine` is the
    synchronous engine, for threads that write on their own. Use as a context manager, or call `close()`.
    """

    run_reading: Callable[..., Any]
    """Only inside an AsyncRook on SQLite: runs what is nothing but one reading unit of work in a thread."""

    def __init__(
        self,
        config: Config,
        engine: Engine,
        *,
        actor: str = "system",
        listeners: Listeners | None = None,
        followers: Followers | None = None,
        journal: Journal | None = None,
        queue: TaskQueue | None = None,
        texts: Texts | None = None,
        overrides: Overrides | None = None,
        sessions: Sessions | None = None,
        waiting: Waiting | None = None,
    ) -> None:
        self.config = config
        self.engine = engine
        self.actor, self.request_id = actor, ""
        self._queue = queue
        self.listeners: dict[type, list[Listener]] = {
            kind: list(each) for kind, each in (listeners or {}).items()
        }
        self.followers: Followers = followers or {}
        self.journal = journal
        self.texts = texts
        self._overrides = overrides
        self._sessions = sessions or Sessions(engine)
        self._commits = SharedCommits(engine)
        self.turns = turns_of(engine, config.data_dir)
        self._waiting = waiting or InThread()
        self._closing = ExitStack()
        self._closing.callback(engine.dispose)
        self._closing.callback(self.turns.close)
        self._closing.callback(self._waiting.close)

    @property
    def data_dir(self) -> Path:
        """Where spools, keys and, unless configured otherwise, the SQLite database live."""
        return self.config.data_dir

    @property
    def queue(self) -> TaskQueue:
        """Where tasks are handed over."""
        if self._queue is None:
            raise RookeryError("This Rook has no task queue: open one with rookery.open().")
        return self._queue

    def current_config(self, session: Session | None = None) -> Config:
        """The configuration with what was set while Rookery runs: read when it is needed, not kept.

        Inside a unit of work it is read in its session.
        """
        if self._overrides is None:
            return self.config
        if session is not None:
            return self._overrides(session, self.config)
        with self.reading() as session:
            return self._overrides(session, self.config)

    def acting_as(self, actor: str, request_id: str = "") -> Self:
        """This house in somebody else's name, by a request. It is not to be closed: it ends with this."""
        return in_the_name_of(actor, request_id, self)

    def transaction(self) -> AbstractContextManager[Session]:
        """A unit of work that may write: committed at the end, rolled back on an exception.

        On SQLite its first statement takes the write lock (BEGIN IMMEDIATE). Events emitted inside are
        committed to the journal with it, and announced afterwards; or neither. Raises TransactionOpen inside
        another one, and the kinds of `store.faults` when the database refuses.
        """
        return self._unit(self._sessions.writing.begin, self._write_down)

    def shared(self, act: Callable[[Connection], T], order: str = "") -> T:
        """What `act` returns: a unit of work in plain SQL, by one commit with what others ask for meanwhile.

        It may be called again; on a loop it runs in a thread. See `SharedCommits.run`.
        """
        refuse_inside_transaction()
        result, unit = self.offload(self._commits.run, partial(self._part, act), order)
        self._ended(unit)
        return result

    def _part(self, act: Callable[[Connection], T], connection: Connection) -> tuple[T, Unit]:
        with Unit() as unit:
            result = act(connection)
            self._write_plainly(connection, unit)
        return result, unit

    def reading(self) -> AbstractContextManager[Session]:
        """A unit of work that only reads one snapshot and takes no write lock; a write in it raises."""
        return self._unit(self._sessions.reading)

    @contextmanager
    def streaming(self) -> Iterator[Session]:
        """A reading session that lives beside other units of work, for streams consumed step by step."""
        with explained(self.engine), self._sessions.reading() as session:
            yield session

    def emit(self, *events: object) -> None:
        """Keep the events in the journal, and call the listeners of each one's type, in order.

        Inside a unit of work: with its commit, and after it. What happened has happened: every listener is
        called, and what they raise is raised as one ExceptionGroup after the last. An event that something
        follows from gets a transaction, where it has none.
        """
        if unit := Unit.current():
            unit.events += events
        elif self._is_followed(events):
            with self.transaction():
                self.emit(*events)
        else:
            self._announce(events, self._recording(events))

    def wait_for(
        self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run async code from an operation and return its result; no transaction may be open."""
        refuse_inside_transaction()
        return self._waiting.wait_for(function, *args, **kwargs)

    def offload(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call blocking code from an operation, beside the loop if any; no transaction may be open."""
        refuse_inside_transaction()
        return self._waiting.offload(function, *args, **kwargs)

    def each(self, function: Callable[[Item], T], items: Iterable[Item], *, limit: int) -> list[T]:
        """Call `function(item)` for every item, at most `limit` at a time; the results in the items' order.

        After a failure no further item is started; when all started ones have ended, an ExceptionGroup
        of all failures is raised, in both worlds.
        """
        refuse_inside_transaction()
        return self._waiting.each(function, items, limit)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Have `close()` call this before the engine goes; the last registered is called first."""
        self._closing.callback(callback)

    def close(self) -> None:
        """Run what `on_close` registered, end the portal, close the connections. May be called again."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def listen(self, kind: type[Event], hear: Callable[[Event], object]) -> None:
        """Have this called with each event of this kind that happens here from now on, after its commit.

        A coroutine function is awaited, on this house's loop; any other runs where it may block. What it
        raises is raised by `emit`. What other processes do is not heard: `rook.audit.following` reads that.
        """
        wait: Any = self.wait_for if inspect.iscoroutinefunction(hear) else self.offload
        self.listeners.setdefault(kind, []).append(lambda _rook, event: wait(hear, event))

    @contextmanager
    def _unit(
        self,
        opens: Callable[[], AbstractContextManager[T]],
        before_commit: Callable[[T, Unit], None] | None = None,
    ) -> Iterator[T]:
        with Unit() as unit, explained(self.engine), opens() as opened:
            yield opened
            if before_commit:
                before_commit(opened, unit)
        self._ended(unit)

    def _is_followed(self, events: Sequence[object]) -> bool:
        return any(type(event) in self.followers for event in events)

    def _write_plainly(self, connection: Connection, unit: Unit) -> None:
        if self._is_followed(unit.events):
            with Session(connection) as session:
                self._write_down(session, unit)
                session.flush()
        elif unit.events:
            self._keep(connection, unit)

    def _write_down(self, session: Session, unit: Unit) -> None:
        for event in tuple(unit.events):
            for follow in self.followers.get(type(event), ()):
                follow(self, session, event)
        if unit.events:
            self._keep(session.connection(), unit)

    def _keep(self, connection: Connection, unit: Unit) -> None:
        unit.is_written_down = True
        if self.journal:
            unit.after_commit = self.journal.write(self, connection, tuple(unit.events))

    def _ended(self, unit: Unit) -> None:
        if not unit.is_written_down and self._is_followed(unit.events):  # it only read
            self.emit(*unit.events)
            return
        kept = (unit.after_commit,) if unit.after_commit else self._recording(unit.events)
        self._announce(unit.events, kept)

    def _recording(self, events: Sequence[object]) -> list[Callable[[], None]]:
        return [partial(self.journal.record, self, event) for event in events] if self.journal else []

    def _announce(self, events: Sequence[object], keeping: Sequence[Callable[[], None]]) -> None:
        failures: list[Exception] = []
        telling: list[Callable[[], None]] = [
            partial(listener, self, event)
            for event in events
            for listener in self.listeners.get(type(event), ())
        ]
        for tell in (*keeping, *telling):
            try:
                tell()
            except Exception as failure:  # noqa: BLE001  raised together, after the last listener
                failures.append(failure)
        if failures:
            names = ", ".join(dict.fromkeys(type(event).__name__ for event in events))
            raise ExceptionGroup(f"{names} happened, but listeners failed", failures)


class Acting(Protocol):
    """A house, in either world: who acts in it, and by which request."""

    actor: str
    request_id: str


House = TypeVar("House", bound=Acting)


def in_the_name_of(actor: str, request_id: str, rook: House) -> House:
    """A copy for somebody else; so is what hangs on it and acts in its name: the faces of domains."""
    other = twin(rook)
    other.actor, other.request_id = actor, request_id or rook.request_id
    for name, value in vars(rook).items():
        if (bound_to := getattr(value, "bound_to", None)) is not None:
            setattr(other, name, bound_to(other))
    return other

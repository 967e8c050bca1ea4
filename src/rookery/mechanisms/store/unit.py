"""Units of work: sessions that write, sessions that only read, and the rule of one at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import ORMExecuteState, Session, sessionmaker

from rookery.base.errors import RookeryError
from rookery.mechanisms.store.engines import read_only

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


class TransactionOpen(RookeryError):
    """A transaction is open here: end it first (read, act, record), or pass its session on."""


class WriteInReading(RookeryError):
    """This session only reads: write in a transaction()."""


class ReadingSession(Session):
    """A session that refuses to write, so that nothing is flushed only to be rolled back unseen."""


@event.listens_for(ReadingSession, "before_flush")
def _refuse_flush(*_args: object) -> None:
    raise WriteInReading


@event.listens_for(ReadingSession, "do_orm_execute")
def _refuse_statement(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        raise WriteInReading


class Sessions:
    """The two kinds of session on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.writing = sessionmaker(engine, expire_on_commit=False)
        reader = read_only(engine)
        self.reading = sessionmaker(reader, class_=ReadingSession, expire_on_commit=False)


class AsyncSessions:
    """The same two kinds on an async engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.writing = async_sessionmaker(engine, expire_on_commit=False)
        reader = read_only(engine)
        self.reading = async_sessionmaker(reader, sync_session_class=ReadingSession, expire_on_commit=False)


class Unit:
    """The one unit of work that a thread or task has open, and what waits for its commit.

    Raises TransactionOpen on entry when there is one already: a second transaction beside the first would
    wait for the first one's lock for ever.
    """

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.after_commit: Callable[[], None] | None = None
        self.is_written_down = False
        self._is_open = False

    @staticmethod
    def current() -> Unit | None:
        """The unit of work open in this thread or task."""
        unit = _current.get()
        return unit if unit is not None and unit._is_open else None

    def __enter__(self) -> Self:
        refuse_inside_transaction()
        self._is_open = True
        _current.set(self)
        return self

    def __exit__(self, *_exc: object) -> None:
        # Not reset by token: a generator may be closed in another context than the one it began in.
        self._is_open = False
        _current.set(None)


_current: ContextVar[Unit | None] = ContextVar("rookery_unit", default=None)


def refuse_inside_transaction() -> None:
    """Raise TransactionOpen when this thread or task has a unit of work open."""
    if Unit.current() is not None:
        raise TransactionOpen

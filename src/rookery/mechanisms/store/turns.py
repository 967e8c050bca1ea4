"""Turns: what one alone may do at a time, in whichever thread, process or, on PostgreSQL, machine.

They are kept by who cannot forget them. With SQLite all are on one machine, and its kernel keeps them: each
is a byte of `<data_dir>/turns`, locked by who has opened that file. On PostgreSQL the server does, for a
connection. Both end with whoever has them, however that one dies, and cost no more than a call.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from rookery.mechanisms.store import sql
from rookery.mechanisms.store.faults import explained

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

_KEEP_ALIVE = "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 4;"
"""So that the server sees within a minute that a machine is gone which could not say so."""


class Turn:
    """One that is wanted, and may be had; over once it has been given back, had or not."""

    def __init__(self, turns: Turns, what: str) -> None:
        self._turns = turns
        self.number = int.from_bytes(blake2b(what.encode(), digest_size=8).digest()) >> 2
        self.is_over = False

    def take(self) -> bool:
        """Have it, unless another has: whether that is so."""
        return self._turns.take(self)

    def give(self) -> None:
        """Let others have it. Also a `take` that nobody waits for any more then comes too late."""
        self._turns.give(self)


class Turns(ABC):
    """Those that one house has. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: dict[int, Turn] = {}

    def take(self, turn: Turn) -> bool:
        """Whether this one has it from now on."""
        with self._lock:
            if turn.is_over or turn.number in self._taken:
                return False
            try:
                if is_free := self._acquired(turn.number):
                    self._taken[turn.number] = turn
            finally:
                self._rest()
            return is_free

    def give(self, turn: Turn) -> None:
        """It is over, if this one had it."""
        with self._lock:
            turn.is_over = True
            if self._taken.get(turn.number) is turn:
                del self._taken[turn.number]
                self._release(turn.number)
                self._rest()

    def close(self) -> None:
        """Give all of them back."""
        for turn in tuple(self._taken.values()):
            self.give(turn)

    def _rest(self) -> None:
        if not self._taken:
            self._close()

    @abstractmethod
    def _acquired(self, number: int) -> bool: ...

    @abstractmethod
    def _release(self, number: int) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...


class KernelTurns(Turns):
    """Kept by the kernel, on Linux for who has opened the file. Elsewhere it is for a process, all of whose
    turns end when one of its houses closes the file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._file = path, -1

    def _acquired(self, number: int) -> bool:
        if self._file < 0:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._set(fcntl.F_WRLCK, number)
        except BlockingIOError:
            return False
        return True

    def _release(self, number: int) -> None:
        self._set(fcntl.F_UNLCK, number)  # to close it is not enough while a forked process has it, too

    def _set(self, kind: int, number: int) -> None:
        if sys.platform == "linux":
            lock = struct.pack("hhqqi4x", kind, os.SEEK_SET, number, 1, 0)
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, lock)
        else:
            how = fcntl.LOCK_UN if kind == fcntl.F_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB
            fcntl.lockf(self._file, how, 1, number)

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1


class ServerTurns(Turns):
    """Kept by PostgreSQL, for one connection that is held while there are any."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._connection: Connection | None = None

    def _acquired(self, number: int) -> bool:
        asked = "SELECT pg_try_advisory_lock(:number)"
        with explained(self._engine):
            try:
                return bool(sql.run(self._connected(), asked, {"number": number}).scalar())
            except SQLAlchemyError:
                self._close()  # the next one connects again
                raise

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            sql.run(self._connection, _KEEP_ALIVE)
        return self._connection

    def _release(self, number: int) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):  # it has been lost, and all turns with it
                sql.run(self._connection, "SELECT pg_advisory_unlock(:number)", {"number": number})

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def turns_of(engine: Engine, data_dir: Path) -> Turns:
    """Those of a house on this database."""
    is_sqlite = engine.dialect.name == "sqlite"
    return KernelTurns(data_dir / "turns") if is_sqlite else ServerTurns(engine)

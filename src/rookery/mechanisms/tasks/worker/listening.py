"""Being woken across machines: PostgreSQL's NOTIFY, which a submitted or cancelled task sends."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rookery.mechanisms.tasks.presence import CHANNEL

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from rookery.mechanisms.tasks.presence import Presence


class Ear:
    """A connection that listens; it is opened again after the server has been away."""

    def __init__(self, engine: Engine, presence: Presence) -> None:
        self._engine, self._presence = engine, presence
        self._driver: Any = None
        self._descriptor = -1

    def open(self) -> bool:
        """Listen; whether it did not yet, so that something may have been missed. Of no use on SQLite."""
        if self._driver is not None or self._engine.dialect.name == "sqlite":
            return False
        connection = self._engine.raw_connection()
        driver: Any = connection.driver_connection
        connection.detach()
        try:
            driver.autocommit = True
            driver.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            driver.close()
            raise
        self._driver, self._descriptor = driver, driver.fileno()
        self._presence.watch(self._descriptor)
        return True

    def hear(self) -> None:
        """Take in what was said: without that the descriptor would stay ready."""
        if self._driver is None:
            return
        try:
            for _ in self._driver.notifies(timeout=0):
                pass
        except Exception:  # noqa: BLE001  the server has gone; the next open() finds it again
            self.close()

    def close(self) -> None:
        """Stop listening."""
        if self._driver is None:
            return
        self._presence.unwatch(self._descriptor)
        with suppress(Exception):
            self._driver.close()
        self._driver = None

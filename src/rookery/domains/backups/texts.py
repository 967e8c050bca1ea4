"""Current configurations, without their secrets, for whoever looks at texts: scans do."""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from rookery.base.config import Config
from rookery.domains.backups import store
from rookery.domains.devices import store as devices
from rookery.mechanisms.store import explained, open_engine


class StoredConfigurations:
    """The port `Texts`. Opens the database when first asked; a pickled one opens it anew."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __reduce__(self) -> Any:
        return StoredConfigurations, (self._config,)

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self._config.database_url)

    def names(self, wanted: str) -> list[str]:
        """The devices by name: one, all (`*`), or those that a filter chooses; those never backed up are not.

        Raises FilterNotValid, DeviceNotFound.
        """
        with explained(self._engine), Session(self._engine) as session:
            if wanted != "*" and ":" not in wanted:
                chosen = [devices.get(session, wanted)]
            else:
                chosen = devices.list_(session, "" if wanted == "*" else wanted)
            backed_up = store.backed_up(session, [device.id for device in chosen])
            return [device.name for device in chosen if device.id in backed_up]

    def read(self, name: str) -> bytes | None:
        """The current configuration of a device; None when it has none. Raises DeviceNotFound."""
        with explained(self._engine), Session(self._engine) as session:
            device = devices.get(session, name)
            found = next(iter(store.current(session, [device.id])), None)
        return None if found is None else zlib.decompress(found.content)

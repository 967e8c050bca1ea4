"""The hook: `update_finding` in batches beside the run, `update_runner` in line."""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.base.config import MongoDB as Settings
from rookery.base.errors import ConfigError
from rookery.mechanisms.hooks import Hooks, hooks_from, recover
from rookery.mechanisms.hooks.recovery import spool_of
from rookery.mechanisms.writebehind import has_leftovers

if TYPE_CHECKING:
    from rookery.domains.findings.mongodb.clients import Store
    from rookery.mechanisms.runner import Runner

log = logging.getLogger(__name__)

ASYNC_HOOKS = frozenset({"update_finding"})
LARGEST_BATCH = 1000  # findings per bulk write in a backlog
MOST_TARGETS = 1000  # of a run that are kept by name


class CopyToMongoDB:
    """Copies findings and runs to MongoDB. Pickled as its settings; loads pymongo when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._is_down = False

    @cached_property
    def store(self) -> Store:
        """The connection."""
        try:
            from rookery.domains.findings.mongodb.clients import Store
        except ImportError:
            raise ConfigError("mongodb.enabled needs pymongo: pip install 'rookery[mongodb]'") from None
        return Store(self.settings)

    def update_finding(self, _runner: object, items: Sequence[Any]) -> None:
        """Write the sightings of a batch."""
        self.store.write(items)

    def start_runner(self, runner: Runner) -> None:
        """Set that a run has begun, and make the indexes."""
        self._write(runner, "running")
        self.store.create_indexes()

    def update_runner(self, runner: Runner) -> None:
        """Set how a run is getting on. Once this has failed, it is tried again at its end only."""
        if not self._is_down:
            self._write(runner, "running")

    def end_runner(self, runner: Runner) -> None:
        """Set that a run has ended."""
        self._write(runner, "ended")

    def _write(self, runner: Runner, status: str) -> None:
        self._is_down = True  # unless what follows does not raise
        self.store.write_run(runner.run_id, {**facts_of(runner), "status": status})
        self._is_down = False

    def close(self) -> None:
        """Close the connections, if there are any."""
        if "store" in vars(self):
            self.store.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return CopyToMongoDB, (self.settings,)


def facts_of(runner: Runner) -> dict[str, Any]:
    """What is told of a run: figures and names, never what a tool printed or a server answered."""
    return {
        "tool": runner.name,
        "target_count": len(runner.targets),
        "targets": list(runner.targets[:MOST_TARGETS]),
        "findings": dict(getattr(runner, "severities", {})),
        "updated": datetime.now(UTC),
    }


def copying(settings: Settings) -> Hooks:
    """The hooks that copy a run to MongoDB; none where that is not enabled.

    Raises ConfigError where pymongo is missing, or the URL is none.
    """
    return _hooks(_shared(settings, os.getpid())) if settings.enabled else Hooks()


def deliver_leftovers(settings: Settings, spools: Path) -> None:
    """Write what earlier runs could not; where no server answers now, it stays in the spool."""
    functions = copying(settings).functions
    waiting = [one for one in functions if one.batching and has_leftovers(spool_of(spools, one.name))]
    if not waiting:
        return
    if _shared(settings, os.getpid()).store.is_reachable():
        recover(Hooks(waiting), spools)
    else:
        log.warning("MongoDB does not answer; the findings that wait for it stay in %s", spools)


@cache
def _shared(settings: Settings, _pid: int) -> CopyToMongoDB:
    """One for each process: its client has threads and a pool, and does not survive a fork."""
    copy = CopyToMongoDB(settings)
    if copy.store:
        atexit.register(copy.close)
    return copy


def _hooks(copy: CopyToMongoDB) -> Hooks:
    settings = copy.settings
    sizes = {"batch_size": settings.batch_size, "batch_interval": settings.batch_interval}
    return hooks_from(
        {
            "on_item": copy.update_finding,
            "on_start": copy.start_runner,
            "on_interval": copy.update_runner,
            "on_end": copy.end_runner,
        },
        async_hooks=ASYNC_HOOKS,
        batch_config={"update_finding": {**sizes, "largest_batch": max(LARGEST_BATCH, settings.batch_size)}},
    )

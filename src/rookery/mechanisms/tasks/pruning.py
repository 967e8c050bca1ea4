"""What workers do, once an hour, about tasks that ended long ago."""

from __future__ import annotations

from datetime import timedelta

from rookery.base.clock import now
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.artifacts import sweep
from rookery.mechanisms.tasks.registry import Chore
from rookery.mechanisms.tasks.service import prune_tasks


def prune(rook: Rook) -> None:
    """Delete tasks that ended `queue.keep_days` ago; and what is left of their files, should that not be all.

    The rows go first: files without a task are found the next time, when a crash comes between.
    """
    if days := rook.current_config().queue.keep_days:
        prune_tasks(rook, now() - timedelta(days=days))
    else:
        sweep(rook)


PRUNING = Chore(name="tasks.prune", act=prune, every=3600.0)

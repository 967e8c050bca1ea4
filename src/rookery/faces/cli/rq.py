"""For RQ's own command line: `rq worker -w rookery.faces.cli.rq.RookeryWorker rookery-high …`."""

from __future__ import annotations

from typing import Any

from rookery.mechanisms.tasks.rq.worker import RqWorker


class RookeryWorker(RqWorker):
    """Does the tasks of the Rookery that the settings of this machine say."""

    def work(self, *args: Any, **options: Any) -> bool:
        """As RQ's; the settings are loaded as the command line loads them."""
        from rookery import app

        with app.open(actor="system") as rook:
            settings = rook.config.queue
            self.serve(rook, app.hands_of(rook), concurrency=None, grace=settings.grace)
            return super().work(*args, **options)

    def _install_signal_handlers(self) -> None:
        super(RqWorker, self)._install_signal_handlers()

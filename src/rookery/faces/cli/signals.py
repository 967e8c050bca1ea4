"""Signals: SIGTERM ends a command in order, as Ctrl-C does; a command that has ended is left in peace."""

from __future__ import annotations

import signal
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM has come, from a supervisor or `kill`."""


def hear_sigterm() -> None:
    """Raise Terminated in the main thread at SIGTERM, unless whoever started this process has it ignored."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, _terminate)


def hear_nothing_more() -> None:
    """Ignore both: there is nothing left to end, and an exception now would be a traceback at exit."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated

"""What went wrong in hooks, gathered: ten thousand failures of one kind are two reports, not ten thousand."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING

from rookery.base.redact import redact_text
from rookery.mechanisms.hooks.files import named_for_people
from rookery.mechanisms.hooks.items import Error

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTED_IDS = 1_000
KINDS = 100
MESSAGE = 1_000  # characters
DETAIL = 4_000  # characters; the end of a traceback is where it went wrong
OTHER = "other hooks"


class Failures:
    """Counts failures by hook and kind of error; called from the run's thread and from delivering threads.

    The first of each kind is new at once. What follows of that kind is counted, with the ids it hit, and
    makes one more Error at the end. Memory is bounded: 100 kinds, 1,000 ids each.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._new: list[Error] = []
        self._rest: dict[tuple[str, str], Error | None] = {}

    def add(self, hook: str, error: BaseException | str, ids: Sequence[str] = (), *, fate: str = "") -> None:
        """Note that `hook` failed with `error` on the items of these ids; `fate` says what became of them."""
        count = max(1, len(ids))
        with self._lock:
            kind = self._kind(hook, said(error).partition(":")[0])
            is_known = kind in self._rest
            waiting = self._rest.setdefault(kind, None)
            if waiting is not None:
                waiting.ids.extend(ids[: LISTED_IDS - len(waiting.ids)])
                waiting.count += count
                return
            failure = described(error, kind[0], ids, count=count, fate=fate)
            if is_known:
                self._rest[kind] = failure
            else:
                self._new.append(failure)

    def _kind(self, hook: str, error: str) -> tuple[str, str]:
        full = len(self._rest) >= KINDS and (hook, error) not in self._rest
        return (OTHER, "") if full else (hook, error)

    def new(self) -> list[Error]:
        """The first failure of each kind, once."""
        if not self._new:
            return []
        with self._lock:
            new, self._new = self._new, []
        return new

    def rest(self) -> list[Error]:
        """What has been counted since the first of each kind, once."""
        with self._lock:
            rest = [error for error in self._rest.values() if error is not None]
            self._rest = dict.fromkeys(self._rest)
        return rest


def said(error: BaseException | str) -> str:
    """One bounded line: the kind of error and the first line of its message.

    Masked before it is cut: of a secret cut in two, nobody would know the half.
    """
    if isinstance(error, BaseException):
        line = str(error).partition("\n")[0]
        error = f"{type(error).__name__}: {line}" if line else type(error).__name__
    return redact_text(error)[:MESSAGE]


def described(
    error: BaseException | str, hook: str = "", ids: Sequence[str] = (), *, count: int = 1, fate: str = ""
) -> Error:
    """An Error item: one line, ids it hit, the end of the traceback if there is one; secrets masked."""
    message = f"hook {named_for_people(hook)}: {said(error)}{fate}" if hook else said(error)
    trace = traceback.format_exception(error) if isinstance(error, BaseException) else []
    return Error(
        message=message,
        hook=hook,
        ids=list(ids[:LISTED_IDS]),
        count=count,
        detail=redact_text("".join(trace))[-DETAIL:],
    )

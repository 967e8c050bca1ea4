"""The types of tasks: a name, the function that does it, and how it is to be run. What else workers do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from rookery.base.structs import ready
from rookery.mechanisms.tasks.errors import PayloadNotValid, UnknownTaskType
from rookery.mechanisms.tasks.rules import NotJson, RetryPolicy, encoded

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from rookery.base.config import Config
    from rookery.mechanisms.artifacts import ArtifactFolder
    from rookery.mechanisms.rook import Rook
    from rookery.mechanisms.tasks.context import TaskContext
    from rookery.mechanisms.tasks.looking import TaskInfo

LARGEST_PAYLOAD = 1 << 20
USUAL = RetryPolicy()

Runs = Literal["thread", "loop", "process"]
Function = Callable[[Any, "TaskContext", Any], Any | Awaitable[Any]]
"""`function(rook, context, payload)`: what it returns, JSON of at most 256 kB or None, is the result."""

Limits = Callable[["Session", "Config", Any], Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class TaskType:
    """How tasks of one type are done.

    `payload` is the msgspec type that payloads must fit. `runs` in a `thread` of the worker with a Rook, on
    its `loop` with an AsyncRook (then `function` is a coroutine function), or in a `process` of its own, for
    what is heavy on the CPU or must be killed to be stopped; the Rook acts in the name of who submitted the
    task. `limits` gives, for the settings and a payload, the keys of which only so many may run at a time; it
    is called with a session, too, in which it may look up what the payload is about, and writes nothing.
    An `idempotent` task may be run again although it had completed, when its worker dies at the wrong moment:
    many short ones then share a commit. `timeout` is in seconds. `files` says where a task leaves files, if
    not in a folder of its own.
    """

    name: str
    function: Function
    payload: Any = dict[str, Any]
    runs: Runs = "thread"
    retry: RetryPolicy = USUAL
    timeout: float | None = 3600.0
    limits: Limits | None = None
    is_idempotent: bool = False
    files: Callable[[Path, TaskInfo], ArtifactFolder] | None = None
    summary: str = ""
    decoder: msgspec.json.Decoder[Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "decoder", msgspec.json.Decoder(ready(self.payload), dec_hook=_read))

    def check(self, payload: Any) -> tuple[str, Any]:
        """A payload as JSON, and as the function will get it. Raises PayloadNotValid."""
        try:
            text = encoded(payload, f"the payload of {self.name}", LARGEST_PAYLOAD)
            return text, self.decoder.decode(text)
        except NotJson as error:
            raise PayloadNotValid(str(error)) from None
        except msgspec.ValidationError as error:
            raise PayloadNotValid(f"the payload of {self.name} is not valid: {error}") from None

    def decode(self, text: str) -> Any:
        """The payload of a stored task. Raises PayloadNotValid when the type has changed since."""
        try:
            return self.decoder.decode(text)
        except msgspec.ValidationError as error:
            raise PayloadNotValid(
                f"the payload was stored by a version whose {self.name} took others: {error}"
            ) from None


@dataclass(frozen=True, kw_only=True)
class Chore:
    """What workers do beside tasks: `act(rook)` is called by each of them, at least `every` so many seconds.

    It returns the moment, in microseconds since 1970 UTC, at which it should be called next, if not later.
    """

    name: str
    act: Callable[[Rook], int | None]
    every: float = 1.0


class TaskTypes(Mapping[str, TaskType]):
    """All types by name; and the chores of those who do them."""

    def __init__(self, types: Iterable[TaskType] = (), chores: Iterable[Chore] = ()) -> None:
        self._types = {each.name: each for each in types}
        self.chores = tuple(chores)

    def __getitem__(self, name: str) -> TaskType:
        try:
            return self._types[name]
        except KeyError:
            close = get_close_matches(name, self._types, 1)
            known = ", ".join(sorted(self._types)) or "none"
            hint = f"did you mean {close[0]}?" if close else f"there are: {known}."
            raise UnknownTaskType(f"no type of task is called {name}; {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Any:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


def _read(kind: type, value: Any) -> Any:
    from pathlib import Path

    if issubclass(kind, Path):
        return kind(value)
    raise NotImplementedError(f"a payload has no {kind.__name__}")

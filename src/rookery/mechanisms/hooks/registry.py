"""Hook functions, resolved: which hear which event, in which order."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from rookery.mechanisms.hooks.errors import HookError
from rookery.mechanisms.hooks.events import EVENTS, Event
from rookery.mechanisms.hooks.files import file_of, function_in
from rookery.mechanisms.hooks.marks import Batching

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class HookFunction:
    """One function, bound to one event.

    `batching` is None for a hook that is called in line. `runner_type` limits it to runners of that class.
    """

    event: Event
    call: Function
    batching: Batching | None = None
    runner_type: type | None = None

    @property
    def name(self) -> str:
        """module.qualname: the key of its queue, and what error messages and statistics call it."""
        function = inspect.unwrap(self.call)
        qualname = getattr(function, "__qualname__", type(function).__qualname__)
        return f"{function.__module__}.{qualname}"

    def checked(self, where: str) -> HookFunction:
        """Itself; raises HookError that names `where` when its arguments do not suit its event."""
        wanted = ("runner", "items") if self.batching else self.wanted
        try:
            inspect.signature(self.call).bind(*wanted)
        except TypeError as error:
            name = getattr(self.call, "__name__", repr(self.call))
            raise HookError(f"{where}: {name} must take ({', '.join(wanted)})") from error
        except ValueError:
            return self  # a function written in C need not tell its signature
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The arguments of an in-line hook of this event, by name."""
        return ("runner", self.event.argument) if self.event.argument else ("runner",)

    def __reduce__(self) -> tuple[Any, ...]:
        # A function of a hook file belongs to a module that no other process can import by name.
        path = file_of(self.call)
        call, in_file = (self.call, None) if path is None else (None, (path, self.call.__qualname__))
        return _restored, (self.event.name, call, in_file, self.batching, self.runner_type)


def _restored(
    event: str,
    call: Function | None,
    in_file: tuple[Path, str] | None,
    batching: Batching | None,
    runner_type: type | None,
) -> HookFunction:
    function = call if in_file is None else function_in(*in_file)
    return HookFunction(EVENTS[event], cast("Function", function), batching, runner_type)


class Hooks:
    """An ordered set of hook functions. `a + b` hears a's hooks first; the same hook twice counts once."""

    def __init__(self, functions: Iterable[HookFunction] = ()) -> None:
        self.functions = tuple(dict.fromkeys(functions))

    def __add__(self, other: Hooks) -> Hooks:
        return Hooks((*self.functions, *other.functions))

    def __len__(self) -> int:
        return len(self.functions)

    def plan_for(self, runner_type: type) -> dict[str, tuple[HookFunction, ...]]:
        """For each event the functions that a runner of this class calls, in order.

        A method of the class that is named by an event is a hook as well, the first of its event.
        """
        own = [_method(runner_type, name) for name in EVENTS]
        chosen = [each for each in self.functions if issubclass(runner_type, each.runner_type or object)]
        functions = [each for each in own if each] + chosen
        return {name: tuple(each for each in functions if each.event.name == name) for name in EVENTS}


def _method(runner_type: type, event: str) -> HookFunction | None:
    function = getattr(runner_type, event, None)
    return None if function is None else HookFunction(EVENTS[event], function).checked(runner_type.__name__)


HookTable = Mapping[Any, Any]
"""{event: function or functions}, or {RunnerClass: {event: function or functions}}."""

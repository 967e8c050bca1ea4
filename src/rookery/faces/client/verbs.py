"""The verbs of a face, asked for from afar: the same names, signatures and results."""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Mapping
from functools import cached_property, update_wrapper
from itertools import dropwhile
from typing import Any

from rookery.faces.client.calls import Arguments, Call, Steps, Streamed
from rookery.faces.client.wire import AsyncWire, Wire
from rookery.mechanisms.face import Face

OWN = {"rook", "session", "service", "self"}
"""What comes before the caller's own arguments."""

UNKNOWN = "a type that the call has to say"


class Verb:
    """A verb, as it is called on a Rook, and how it is asked for."""

    def __init__(self, operation: Callable[..., Any], call: Call | Streamed, wire: Wire | AsyncWire) -> None:
        self._operation, self._call, self._wire = operation, call, wire
        update_wrapper(self, operation)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Its result; a coroutine or a stream where it is one on a Rook. Raises what it raises there."""
        arguments = self._named(args, kwargs)
        if isinstance(self._call, Streamed):
            return self._wire.stream(self._call.request(arguments), is_text=self._call.is_text)
        return self._wire.take(self._steps(self._call, arguments))

    @cached_property
    def __signature__(self) -> inspect.Signature:
        signature = inspect.signature(self._operation)
        given = dropwhile(lambda each: each.name in OWN, signature.parameters.values())
        return signature.replace(parameters=list(given))

    @cached_property
    def answers(self) -> Any:
        """The type that it returns; UNKNOWN where its module names it for type checkers alone: `reads` says
        it then."""
        plain = inspect.unwrap(self._operation)
        names = vars(sys.modules[plain.__module__])
        try:
            return eval(plain.__annotations__["return"], {**vars(typing), **names})  # noqa: S307  our own
        except NameError:
            return UNKNOWN

    def _steps(self, call: Call, arguments: Arguments) -> Steps:
        return (yield from call(arguments, self.answers))

    def _named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Arguments:
        bound = self.__signature__.bind(*args, **kwargs)
        parameters = self.__signature__.parameters
        named = {"limit": parameters["limit"].default} if "limit" in parameters else {}
        for name, value in bound.arguments.items():
            named |= value if parameters[name].kind is inspect.Parameter.VAR_KEYWORD else {name: value}
        return named


class AskedFor:
    """A face whose verbs are asked for over a wire."""

    def __init__(
        self, face: type[Face[Any]], calls: Mapping[str, Call | Streamed], wire: Wire | AsyncWire
    ) -> None:
        self.__doc__, self._repr = face.__doc__, f"<{face.__name__} at {wire.url}>"
        for name, call in calls.items():
            verb = vars(face)[name]
            setattr(self, name, Verb(getattr(verb, "operation", verb), call, wire))

    def __repr__(self) -> str:
        return self._repr

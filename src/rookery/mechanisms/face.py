"""Bound faces: a domain's verbs on a Rook, `rook.findings.list()` and `await arook.findings.list()`.

    class Findings(Face[RookT]):
        \"\"\"The verbs of findings.\"\"\"

        list = bound(store.list_)
        stream = bound_stream(store.stream)

One small class per domain is its table of contents; each verb is the domain's own dual operation.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Self, TypeVar, overload

from rookery.base.twins import twin

if TYPE_CHECKING:
    from rookery.mechanisms.async_rook import AsyncRook
    from rookery.mechanisms.dual import Dual, DualStream
    from rookery.mechanisms.rook import Rook

P = ParamSpec("P")
R = TypeVar("R")
RookT = TypeVar("RookT", bound="Rook | AsyncRook")


class Face(Generic[RookT]):
    """The verbs of one domain, bound to one Rook."""

    def __init__(self, rook: RookT) -> None:
        self.rook = rook

    def bound_to(self, rook: RookT) -> Self:
        """The same verbs, bound to another Rook."""
        other = twin(self)
        other.rook = rook
        return other


class bound(Generic[P, R]):  # noqa: N801  reads as a decorator does
    """A dual operation as a method of a Face: plain on a Rook, a coroutine function on an AsyncRook."""

    def __init__(self, operation: Dual[Rook, AsyncRook, P, R]) -> None:
        self.operation: Any = operation
        self.__doc__ = operation.__doc__

    @overload
    def __get__(self, face: Face[Rook], owner: type) -> Callable[P, R]: ...
    @overload
    def __get__(self, face: Face[AsyncRook], owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, face: None, owner: type) -> bound[P, R]: ...
    def __get__(self, face: Face[Any] | None, owner: type) -> Any:
        return self if face is None else partial(self.operation, face.rook)


class bound_stream(Generic[P, R]):  # noqa: N801
    """A dual stream as a method of a Face: a generator on a Rook, an async generator on an AsyncRook."""

    def __init__(self, operation: DualStream[Rook, AsyncRook, P, R]) -> None:
        self.operation: Any = operation
        self.__doc__ = operation.__doc__

    @overload
    def __get__(self, face: Face[Rook], owner: type) -> Callable[P, Generator[R, None, None]]: ...
    @overload
    def __get__(self, face: Face[AsyncRook], owner: type) -> Callable[P, AsyncGenerator[R, None]]: ...
    @overload
    def __get__(self, face: None, owner: type) -> bound_stream[P, R]: ...
    def __get__(self, face: Face[Any] | None, owner: type) -> Any:
        return self if face is None else partial(self.operation, face.rook)

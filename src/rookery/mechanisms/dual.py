"""Write an operation once, as plain synchronous code, call it from both worlds: the first argument decides.

    @dual
    def get(session: Session, /, hostname: str) -> Device: ...

    get(session, "r1")                # Session or Rook           -> Device
    await get(async_session, "r1")    # AsyncSession or AsyncRook -> Coroutine[Any, Any, Device]

The async side runs the very same function in a greenlet (`run_sync`). Why this and not generated code or
pairs written by hand: docs/decisions/0001-one-source-for-both-worlds.md.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, overload

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from rookery.mechanisms.async_rook import AsyncRook
    from rookery.mechanisms.rook import Rook

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Sync_contra = TypeVar("Sync_contra", contravariant=True)
Async_contra = TypeVar("Async_contra", contravariant=True)

STREAM_BATCH = 100
"""Rows that an async stream fetches per switch into its greenlet."""


class Dual(Protocol[Sync_contra, Async_contra, P, R_co]):
    """An operation for both worlds. It returns a Coroutine, so that a forgotten await is reported."""

    @overload
    def __call__(self, on: Sync_contra, /, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    @overload
    def __call__(
        self, on: Async_contra, /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, R_co]: ...


class DualStream(Protocol[Sync_contra, Async_contra, P, R_co]):
    """A stream for both worlds: `for` over a generator, `async for` over an async generator."""

    @overload
    def __call__(
        self, on: Sync_contra, /, *args: P.args, **kwargs: P.kwargs
    ) -> Generator[R_co, None, None]: ...
    @overload
    def __call__(
        self, on: Async_contra, /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[R_co, None]: ...


@overload
def dual(
    operation: Callable[Concatenate[Session, P], R],
) -> Dual[Session | Rook, AsyncSession | AsyncRook, P, R]: ...
@overload
def dual(operation: Callable[Concatenate[Rook, P], R]) -> Dual[Rook, AsyncRook, P, R]: ...
def dual(operation: Callable[..., Any]) -> Any:
    """Make an operation on `session: Session, /` or `rook: Rook, /` callable from both worlds.

    A session-operation flushes and leaves the commit to its caller; called with a Rook it is its own
    transaction, committed when it returns. Raises TypeError when the first parameter is neither.
    """
    return _either(operation, "transaction")


def dual_read(
    operation: Callable[Concatenate[Session, P], R],
) -> Dual[Session | Rook, AsyncSession | AsyncRook, P, R]:
    """`@dual` for a session-operation that only reads: called with a Rook it takes no write lock."""
    either: Dual[Session | Rook, AsyncSession | AsyncRook, P, R] = _either(operation, "reading")
    return either


@overload
def dual_stream(
    operation: Callable[Concatenate[Session, P], Iterator[R]],
) -> DualStream[Session | Rook, AsyncSession | AsyncRook, P, R]: ...
@overload
def dual_stream(
    operation: Callable[Concatenate[Rook, P], Iterator[R]],
) -> DualStream[Rook, AsyncRook, P, R]: ...
def dual_stream(operation: Callable[..., Iterator[Any]]) -> Any:
    """Make a generator function callable from both worlds: `for` and `async for`, which fetches in batches.

        with session.scalars(statement.execution_options(yield_per=500)) as found:
            yield from found

    The `with` closes the cursor of a stream left early; without `yield_per` all rows are fetched at first.
    Called with a Rook, a session-stream reads through a session of its own until it is exhausted or closed.
    Leaving `async for` early? Wrap the stream in `contextlib.aclosing`, so that it ends there and then.
    """
    rows = _rows(operation)

    @wraps(operation)
    def either(on: Any, /, *args: Any, **kwargs: Any) -> Any:
        if hasattr(on, "run_sync"):
            return _in_batches(on, rows, *args, **kwargs)
        return rows(on, *args, **kwargs)

    return either


def _either(operation: Callable[..., Any], unit: str) -> Any:
    """The operation for whatever it may be called on; a Rook opens `unit` around a session-operation."""
    takes_session = _takes_session(operation)
    reads = unit == "reading"
    plain: set[type] = set()  # the types called on as they are: known, they cost one look-up

    @wraps(operation)
    def either(on: Any, /, *args: Any, **kwargs: Any) -> Any:
        if type(on) in plain:
            return operation(on, *args, **kwargs)
        if reads and hasattr(on, "run_reading"):
            return on.run_reading(either, *args, **kwargs)
        if hasattr(on, "run_sync"):
            return on.run_sync(either, *args, **kwargs)
        if takes_session and hasattr(on, unit):
            with getattr(on, unit)() as session:
                return operation(session, *args, **kwargs)
        plain.add(type(on))
        return operation(on, *args, **kwargs)

    return either


def _rows(operation: Callable[..., Iterator[Any]]) -> Callable[..., Generator[Any, None, None]]:
    takes_session = _takes_session(operation)

    def rows(on: Any, /, *args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        if takes_session and hasattr(on, "streaming"):
            with on.streaming() as session:
                yield from operation(session, *args, **kwargs)
        else:
            yield from operation(on, *args, **kwargs)

    return rows


async def _in_batches(
    on: Any, rows: Callable[..., Generator[R, None, None]], /, *args: Any, **kwargs: Any
) -> AsyncGenerator[R, None]:
    stream: Generator[R, None, None] = await on.run_sync(rows, *args, **kwargs)
    try:
        while True:
            batch = await on.run_sync(lambda _: _take(stream))
            for row in batch.rows:
                yield row
            if batch.error is not None:
                raise batch.error
            if batch.is_last:
                return
    finally:
        await on.run_sync(lambda _: stream.close())


class _Batch(NamedTuple):
    rows: list[Any]
    is_last: bool
    error: Exception | None = None


def _take(stream: Iterator[Any]) -> _Batch:
    """The next rows; those before an error still reach the caller, as they do in a plain `for`."""
    rows: list[Any] = []
    try:
        rows.extend(islice(stream, STREAM_BATCH))
    except Exception as error:  # noqa: BLE001  raised again by the caller, after the rows before it
        return _Batch(rows, is_last=True, error=error)
    return _Batch(rows, is_last=len(rows) < STREAM_BATCH)


def _takes_session(operation: Callable[..., Any]) -> bool:
    """Whether the first parameter is a Session, not a Rook, by its annotation, which need not be imported."""
    code = operation.__code__
    first = code.co_varnames[0] if code.co_posonlyargcount else ""
    annotation = operation.__annotations__.get(first)
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    kind = name.rpartition(".")[2]
    if kind not in {"Session", "Rook"}:
        raise TypeError(f"{operation.__qualname__} must start with `session: Session, /` or `rook: Rook, /`.")
    return kind == "Session"

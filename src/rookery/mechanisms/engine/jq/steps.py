"""What the parts of a query do: each turns one value into any number of values, and pays for every one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MOST_STEPS = 500_000  # about a second
LONGEST_TEXT = 1 << 20
LARGEST_NUMBER = 1e300

RANKS = {type(None): 0, bool: 1, int: 2, float: 2, str: 3, list: 4, dict: 5}


class Failed(Exception):  # control flow within a query: it ends, or `?` and `//` catch it
    """The query does not fit the value."""


@dataclass(slots=True)
class Budget:
    """How many steps one run of a query may still take."""

    left: int = MOST_STEPS

    def pay(self, steps: int = 1) -> None:
        """Take so many steps; Failed when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise Spent


class Spent(Failed):
    """The query has taken more steps than it may; nothing catches this."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables a step sees, and the budget of the whole run."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def bind(self, name: str, value: Any) -> Scope:
        """The same with one more variable."""
        return replace(self, variables={**self.variables, name: value})


Run = Callable[[Any, Scope], Iterator[Any]]


def order(value: Any) -> tuple[Any, ...]:
    """A key by which jq sorts values of any types."""
    rank = RANKS[type(value)]
    if rank == 1:
        return (rank, value)
    if rank == 4:
        return (rank, [order(item) for item in value])
    if rank == 5:
        keys = sorted(value)
        return (rank, keys, [order(value[key]) for key in keys])
    return (rank, value) if rank else (rank,)


def is_true(value: Any) -> bool:
    """Everything but false and null."""
    return value is not None and value is not False


def identity(value: Any, scope: Scope) -> Iterator[Any]:
    """`.`"""
    scope.budget.pay()
    yield value


def literal(constant: Any) -> Run:
    """A constant."""

    def run(_: Any, scope: Scope) -> Iterator[Any]:
        scope.budget.pay()
        yield constant

    return run


def variable(name: str) -> Run:
    """`$name`"""

    def run(_: Any, scope: Scope) -> Iterator[Any]:
        scope.budget.pay()
        if name not in scope.variables:
            raise Failed
        yield scope.variables[name]

    return run


def piped(first: Run, second: Run) -> Run:
    """first | second"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for inner in first(value, scope):
            yield from second(inner, scope)

    return run


def both(first: Run, second: Run) -> Run:
    """first, second"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        yield from first(value, scope)
        yield from second(value, scope)

    return run


def bound(source: Run, name: str, body: Run) -> Run:
    """source as $name | body"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for inner in source(value, scope):
            yield from body(value, scope.bind(name, inner))

    return run


def attempted(tried: Run, otherwise: Run | None = None) -> Run:
    """tried?, or try tried catch otherwise"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        try:
            yield from tried(value, scope)
        except Spent:
            raise
        except Failed:
            if otherwise is not None:
                yield from otherwise(None, scope)

    return run


def alternative(first: Run, second: Run) -> Run:
    """first // second"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        found = False
        for inner in attempted(first)(value, scope):
            if is_true(inner):
                found = True
                yield inner
        if not found:
            yield from second(value, scope)

    return run


def choice(condition: Run, then: Run, otherwise: Run) -> Run:
    """if condition then … else … end"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for decision in condition(value, scope):
            yield from (then if is_true(decision) else otherwise)(value, scope)

    return run


def logical(first: Run, second: Run, *, stop: bool) -> Run:
    """first and second, first or second"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for left in first(value, scope):
            if is_true(left) is stop:
                yield stop
                continue
            for right in second(value, scope):
                yield is_true(right)

    return run


def binary(operation: Callable[[Any, Any], Any], first: Run, second: Run) -> Run:
    """An operator over each pair of values, the right one varying slowest, as in jq."""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for right in second(value, scope):
            for left in first(value, scope):
                scope.budget.pay()
                if isinstance(left, list | dict):
                    weigh(left, scope)
                yield checked(operation(left, right), scope)

    return run


def weigh(value: Any, scope: Scope) -> None:
    """Pay for every value within a value, as often as it is in it: few steps can make something enormous of
    something small."""
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, list | dict):
            scope.budget.pay(1 + len(inner))
            waiting += inner.values() if isinstance(inner, dict) else inner


def checked(value: Any, scope: Scope) -> Any:
    """The value, when it is of a size that is still reasonable."""
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise Failed
        scope.budget.pay(len(value) >> 10)
    elif isinstance(value, list | dict):
        scope.budget.pay(len(value))
    elif (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and abs(value) > 1 << 63
    ):
        raise Failed
    return value


def collected(inner: Run | None) -> Run:
    """[inner]"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        items = list(inner(value, scope)) if inner is not None else []
        weigh(items, scope)
        yield items

    return run


def built(pairs: list[tuple[Run, Run]]) -> Run:
    """{key: value, …}; with several values for one key there are several objects"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        objects: list[dict[str, Any]] = [{}]
        for key, content in pairs:
            names, contents = list(key(value, scope)), list(content(value, scope))
            if not all(isinstance(name, str) for name in names):
                raise Failed
            scope.budget.pay(len(objects) * len(names) * len(contents) * (len(pairs) + 1))
            objects = [{**one, name: inner} for one in objects for name in names for inner in contents]
        for one in objects:
            weigh(one, scope)
            yield one

    return run

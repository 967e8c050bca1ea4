"""How a query gets at what is within a value: `.[]`, `..`, `.[key]`, `.[start:end]`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from rookery.mechanisms.engine.jq.steps import Failed, Run, Scope, checked


def each(value: Any, scope: Scope) -> Iterator[Any]:
    """.[]"""
    if not isinstance(value, list | dict):
        raise Failed
    for item in value.values() if isinstance(value, dict) else value:
        scope.budget.pay()
        yield item


def recursed(value: Any, scope: Scope) -> Iterator[Any]:
    """`..`: the value and all below it."""
    waiting = [value]
    while waiting:
        scope.budget.pay()
        inner = waiting.pop()
        yield inner
        if isinstance(inner, list | dict):
            waiting += reversed(list(inner.values()) if isinstance(inner, dict) else inner)


def looked_up(place: Run) -> Run:
    """.[place], with a name, a number, or a name that stands in an expression"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for key in place(value, scope):
            scope.budget.pay()
            yield item(value, key)

    return run


def item(value: Any, key: Any) -> Any:
    """The value under a key; null when there is none, Failed when it cannot have one."""
    if value is None and isinstance(key, str | int | float):
        return None
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int | float) and not isinstance(key, bool):
        place = int(key)
        return value[place] if -len(value) <= place < len(value) else None
    raise Failed


def sliced(start: Run, end: Run) -> Run:
    """.[start:end]"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        if value is None:
            yield None
            return
        for last in end(value, scope):
            for first in start(value, scope):
                ends = (None if one is None else whole(one) for one in (first, last))
                if not isinstance(value, str | list):
                    raise Failed
                yield checked(value[slice(*ends)], scope)

    return run


def whole(value: Any) -> int:
    """The whole number below a number; Failed when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Failed
    return math.floor(value)


def limited(most: Run, inner: Run) -> Run:
    """limit(most; inner)"""

    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for count in most(value, scope):
            yield from islice(inner(value, scope), max(whole(count), 0))

    return run

"""jq's functions, as far as they are run, those of inner queries among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rookery.mechanisms.engine.jq.places import each, limited, recursed
from rookery.mechanisms.engine.jq.plain import (
    PLAIN,
    WITH_VALUES,
    from_entries,
    grouped,
    need,
    number_of,
    to_entries,
)
from rookery.mechanisms.engine.jq.steps import (
    Failed,
    Run,
    Scope,
    checked,
    is_true,
    literal,
    order,
    piped,
    weigh,
)

KINDS = {
    "objects": (dict,), "arrays": (list,), "strings": (str,), "booleans": (bool,), "nulls": (type(None),),
    "numbers": (int, float), "iterables": (dict, list), "scalars": (str, bool, int, float, type(None)),
}  # fmt: skip


def function(name: str, arguments: list[Run]) -> Run | None:
    """The function of this name with these arguments; None when there is none."""
    if not arguments and name in PLAIN:
        return _plain(PLAIN[name])
    if not arguments and name in KINDS:
        return _of_kind(KINDS[name])
    if (name, len(arguments)) in WITH_VALUES:
        return _with_values(WITH_VALUES[name, len(arguments)], arguments)
    maker = WITH_QUERIES.get((name, len(arguments)))
    return maker(*arguments) if maker else None


def _plain(operation: Callable[[Any], Any]) -> Run:
    def run(value: Any, scope: Scope) -> Iterator[Any]:
        scope.budget.pay(1 + (len(value) >> 6 if isinstance(value, str) else 0))
        weigh(value, scope)
        yield checked(operation(value), scope)

    return run


def _of_kind(kinds: tuple[type, ...]) -> Run:
    def run(value: Any, scope: Scope) -> Iterator[Any]:
        scope.budget.pay()
        if type(value) in kinds:
            yield value

    return run


def _with_values(operation: Callable[..., Any], arguments: list[Run]) -> Run:
    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for given in _combined(arguments, value, scope):
            scope.budget.pay(1 + (len(value) >> 6 if isinstance(value, str) else 0))
            weigh(value, scope)
            yield checked(operation(value, *given), scope)

    return run


def _combined(arguments: list[Run], value: Any, scope: Scope) -> Iterator[list[Any]]:
    if not arguments:
        yield []
        return
    for first in arguments[0](value, scope):
        for rest in _combined(arguments[1:], value, scope):
            yield [first, *rest]


def _select(condition: Run) -> Run:
    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for decision in condition(value, scope):
            scope.budget.pay()
            if is_true(decision):
                yield value

    return run


def _map(inner: Run) -> Run:
    def run(value: Any, scope: Scope) -> Iterator[Any]:
        items = [found for one in each(value, scope) for found in inner(one, scope)]
        weigh(items, scope)
        yield items

    return run


def _with_entries(inner: Run) -> Run:
    return piped(_plain(to_entries), piped(_map(inner), _plain(from_entries)))


def _keyed(pick: Callable[[Iterable[Any], Callable[[Any], Any]], Any]) -> Callable[[Run], Run]:
    """A function that arranges a list by what a query finds in its items."""

    def make(inner: Run) -> Run:
        def run(value: Any, scope: Scope) -> Iterator[Any]:
            weigh(value, scope)
            keys = {id(item): order(list(inner(item, scope))) for item in need(list, value)}
            yield pick(value, lambda item: keys[id(item)])

        return run

    return make


def _some(decide: Callable[[Iterable[bool]], bool]) -> Callable[[Run], Run]:
    def make(condition: Run) -> Run:
        def run(value: Any, scope: Scope) -> Iterator[Any]:
            yield decide(is_true(one) for item in each(value, scope) for one in condition(item, scope))

        return run

    return make


def _nothing() -> Run:
    return lambda _value, _scope: iter(())


def _fail(*_: Run) -> Run:
    def run(_: Any, scope: Scope) -> Iterator[Any]:
        scope.budget.pay()
        raise Failed
        yield

    return run


def _range(first: Run, last: Run) -> Run:
    def run(value: Any, scope: Scope) -> Iterator[Any]:
        for start, end in _combined([first, last], value, scope):
            number = number_of(start)
            while number < number_of(end):
                scope.budget.pay()
                yield number
                number += 1

    return run


WITH_QUERIES: dict[tuple[str, int], Callable[..., Run]] = {
    ("empty", 0): _nothing,
    ("error", 0): _fail,
    ("error", 1): _fail,
    ("values", 0): lambda: _select(lambda value, _: iter([value is not None])),
    ("recurse", 0): lambda: recursed,
    ("select", 1): _select,
    ("map", 1): _map,
    ("with_entries", 1): _with_entries,
    ("any", 1): _some(any),
    ("all", 1): _some(all),
    ("sort_by", 1): _keyed(lambda items, key: sorted(items, key=key)),
    ("group_by", 1): _keyed(grouped),
    ("unique_by", 1): _keyed(lambda items, key: [group[0] for group in grouped(items, key)]),
    ("min_by", 1): _keyed(lambda items, key: min(items, key=key, default=None)),
    ("max_by", 1): _keyed(lambda items, key: max(items, key=key, default=None)),
    ("first", 1): lambda inner: limited(literal(1), inner),
    ("limit", 2): limited,
    ("range", 1): lambda last: _range(literal(0), last),
    ("range", 2): _range,
}

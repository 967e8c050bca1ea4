"""What operators do, with govaluate's types: no silent conversions, text compares with text only."""

from __future__ import annotations

import math
from collections.abc import Callable

from rookery.mechanisms.engine.dsl.values import LARGEST_TEXT, Lookup, Value, bounded, to_number, to_text
from rookery.mechanisms.engine.errors import DslError
from rookery.mechanisms.engine.regex import compile_regex

MOST_TOGETHER = 4 * LARGEST_TEXT  # characters of all arguments of one call

Evaluate = Callable[[Lookup], Value]
Binary = Callable[[Value, Value], Value]


def constant(value: Value) -> Evaluate:
    """Always the same value."""
    return lambda _: value


def variable(name: str) -> Evaluate:
    """The value of a name."""
    return lambda lookup: lookup(name)


def called(function: Callable[..., Value], arguments: list[Evaluate]) -> Evaluate:
    """A function applied to evaluated arguments; what it trips over is a DslError."""
    if len(arguments) == 2:  # by far the most common: contains(body, 'x')
        first, second = arguments
        return lambda lookup: _apply(function, first(lookup), second(lookup))
    return lambda lookup: _apply(function, *_together(arguments, lookup))


def _together(arguments: list[Evaluate], lookup: Lookup) -> list[Value]:
    """Their values, which may be large one by one, but not all of them."""
    values: list[Value] = []
    size = 0
    for argument in arguments:
        value = argument(lookup)
        values.append(value)
        size += _size(value)
        bounded(size, MOST_TOGETHER)
    return values


def _size(value: Value) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(map(len, value)) if isinstance(value, list) else 0


FAULTS = (ValueError, TypeError, ArithmeticError, OSError, EOFError, LookupError, RecursionError, MemoryError)
"""What a function may raise of values that suit it not; a server chooses them."""


def _apply(function: Callable[..., Value], *values: Value) -> Value:
    try:
        result = function(*values)
    except FAULTS as error:
        raise DslError(f"{function.__name__}: {error}") from None
    if isinstance(result, str):
        bounded(len(result))
    return result


def listed(items: list[Evaluate]) -> Evaluate:
    """A list of texts."""
    return lambda lookup: [to_text(value) for value in _together(items, lookup)]


def choose(condition: Evaluate, then: Evaluate, otherwise: Evaluate) -> Evaluate:
    """condition ? then : otherwise."""
    return lambda lookup: then(lookup) if _true(condition(lookup)) else otherwise(lookup)


def coalesce(first: Evaluate, second: Evaluate) -> Evaluate:
    """first ?? second."""

    def evaluate(lookup: Lookup) -> Value:
        value = first(lookup)
        return second(lookup) if value is None else value

    return evaluate


def prefixed(signs: list[str], operand: Evaluate) -> Evaluate:
    """!, - and ~ before an operand, the innermost first."""

    def evaluate(lookup: Lookup) -> Value:
        value = operand(lookup)
        for sign in reversed(signs):
            value = _sign(sign, value)
        return value

    return evaluate


def _sign(sign: str, value: Value) -> Value:
    if sign == "!":
        return not _true(value)
    return -_number(value) if sign == "-" else float(~int(_number(value)))


def chain(first: Evaluate, rest: list[tuple[str, Evaluate]]) -> Evaluate:
    """Operators of one level from left to right; && and || stop as soon as they know."""
    if rest[0][0] in ("&&", "||"):
        return _logical([first, *(operand for _, operand in rest)], stop=rest[0][0] == "||")
    steps = [(BINARY[operator], operand) for operator, operand in rest]

    def evaluate(lookup: Lookup) -> Value:
        value = first(lookup)
        for operation, operand in steps:
            value = operation(value, operand(lookup))
        return value

    return evaluate


def _logical(operands: list[Evaluate], *, stop: bool) -> Evaluate:
    def evaluate(lookup: Lookup) -> Value:
        return stop if any(_true(operand(lookup)) is stop for operand in operands) else not stop

    return evaluate


def _true(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    raise DslError(f"{to_text(value)[:40]!r} is neither true nor false")


def _number(value: Value) -> float:
    if isinstance(value, str):
        raise DslError(f"{value[:40]!r} is text, not a number")
    return to_number(value)


def _equal(left: Value, right: Value) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _compare(test: Callable[[int], bool]) -> Binary:
    def compare(left: Value, right: Value) -> Value:
        if isinstance(left, str) and isinstance(right, str):
            return test((left > right) - (left < right))
        first, second = _number(left), _number(right)
        return test((first > second) - (first < second))

    return compare


def _add(left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        first, second = to_text(left), to_text(right)
        bounded(len(first) + len(second))
        return first + second
    return _number(left) + _number(right)


def _arithmetic(operation: Callable[[float, float], float]) -> Binary:
    def compute(left: Value, right: Value) -> Value:
        try:
            return float(operation(_number(left), _number(right)))
        except (ArithmeticError, ValueError, TypeError) as error:
            raise DslError(f"arithmetic: {error}") from None

    return compute


def _bits(operation: Callable[[int, int], int]) -> Binary:
    return _arithmetic(lambda left, right: operation(int(left), int(right)))


def _shift(left: int, right: int) -> int:
    if not 0 <= right < 64:
        raise ValueError("a shift must be 0 to 63")
    return left << right


def _matches(left: Value, right: Value) -> bool:
    return compile_regex(to_text(right)).found_in(to_text(left))


def _contained(left: Value, right: Value) -> bool:
    if not isinstance(right, list):
        raise DslError("'in' needs a list on its right")
    return to_text(left) in right


BINARY: dict[str, Binary] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    ">": _compare(lambda order: order > 0),
    "<": _compare(lambda order: order < 0),
    ">=": _compare(lambda order: order >= 0),
    "<=": _compare(lambda order: order <= 0),
    "=~": _matches,
    "!~": lambda left, right: not _matches(left, right),
    "in": _contained,
    "+": _add,
    "-": _arithmetic(lambda left, right: left - right),
    "*": _arithmetic(lambda left, right: left * right),
    "/": _arithmetic(lambda left, right: left / right),
    "%": _arithmetic(math.fmod),
    "**": _arithmetic(math.pow),
    "&": _bits(lambda left, right: left & right),
    "|": _bits(lambda left, right: left | right),
    "^": _bits(lambda left, right: left ^ right),
    "<<": _bits(_shift),
    ">>": _bits(lambda left, right: left >> min(max(right, 0), 63)),
}

"""What jq's operators do with values of whatever types."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rookery.mechanisms.engine.jq.steps import RANKS, Failed, order


def _is_number(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def add(left: Any, right: Any) -> Any:
    """Numbers, texts, lists and objects are joined with their like; null is nothing."""
    if left is None or right is None:
        return right if left is None else left
    if _is_number(left, right) or (isinstance(left, str) and isinstance(right, str)):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    if isinstance(left, dict) and isinstance(right, dict):
        return left | right
    raise Failed


def subtract(left: Any, right: Any) -> Any:
    """Numbers; a list without what another has."""
    if _is_number(left, right):
        return left - right
    if isinstance(left, list) and isinstance(right, list) and len(left) * len(right) < 1_000_000:
        return [item for item in left if item not in right]
    raise Failed


def multiply(left: Any, right: Any) -> Any:
    """Numbers only: repeating a text a number of times is not for extractors."""
    if _is_number(left, right):
        return left * right
    raise Failed


def divide(left: Any, right: Any) -> Any:
    """Numbers; a text is split at another."""
    if isinstance(left, str) and isinstance(right, str):
        return split(left, right)
    if not _is_number(left, right) or right == 0:
        raise Failed
    quotient = left / right
    return int(quotient) if quotient.is_integer() else quotient


def remainder(left: Any, right: Any) -> Any:
    """Of whole numbers, with the sign of the left one."""
    if not _is_number(left, right) or int(right) == 0:
        raise Failed
    return int(math.fmod(int(left), int(right)))


def split(text: str, separator: str) -> list[str]:
    """A text in parts."""
    return text.split(separator) if separator else list(text)


def equal(left: Any, right: Any) -> bool:
    """1 is 1.0, and not true."""
    return RANKS[type(left)] == RANKS[type(right)] and bool(left == right)


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: test(order(left), order(right))


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": _compared(lambda left, right: left < right),
    "<=": _compared(lambda left, right: left <= right),
    ">": _compared(lambda left, right: left > right),
    ">=": _compared(lambda left, right: left >= right),
}

"""What an expression computes with: text (a byte per character), numbers, true/false, lists, nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from rookery.mechanisms.engine.errors import DslError

Value: TypeAlias = "str | float | bool | list[str] | None"
Lookup: TypeAlias = Callable[[str], Value]  # the value of a name; KeyError when there is none

LARGEST_TEXT = 16 << 20  # characters one function may build


def to_text(value: Value) -> str:
    """The text of a value as Go prints it: 5.0 is '5', a list is '[a b]'."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(value)}]"
    return "" if value is None else _number_text(value)


def _number_text(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def to_number(value: Value) -> float:
    """The number in a value; DslError when there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise DslError(f"{to_text(value)[:40]!r} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise DslError(f"{to_text(value)[:40]!r} is not a number") from None
    if math.isnan(number) or math.isinf(number):
        raise DslError("a number is out of range")
    return number


def to_integer(value: Value) -> int:
    """The whole part of the number in a value."""
    return int(to_number(value))


def to_list(value: Value) -> list[str]:
    """A list as it is; anything else as a list of its text."""
    return value if isinstance(value, list) else [to_text(value)]


def bounded(length: int, most: int = LARGEST_TEXT) -> int:
    """The length, or DslError when a text or list would become unreasonably long."""
    if length > most:
        raise DslError(f"a length of {length:,} is more than {most:,}")
    return max(length, 0)

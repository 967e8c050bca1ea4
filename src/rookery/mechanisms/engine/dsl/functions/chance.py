"""Random values. Not for secrets: they must only differ from whatever a server says itself."""

from __future__ import annotations

import random
import string

from rookery.mechanisms.engine.dsl.functions.signature import table
from rookery.mechanisms.engine.dsl.values import Value, bounded, to_integer, to_text
from rookery.mechanisms.engine.errors import DslError

ALPHANUMERIC = string.ascii_letters + string.digits
LARGEST_INT = 2**31 - 1
LONGEST_RANDOM = 1 << 20  # characters


def random_text(length: int, characters: str) -> str:
    """So many random characters of those given."""
    if not characters:
        raise DslError("there is no character to choose from")
    return "".join(random.choices(characters, k=bounded(length, LONGEST_RANDOM)))


def _rand_base(length: Value, characters: Value = "") -> str:
    return random_text(to_integer(length), _given(characters))


def _rand_char(characters: Value = "") -> str:
    return random_text(1, _given(characters))


def _given(characters: Value) -> str:
    """The characters to choose from: letters and digits, when none are given."""
    text = to_text(characters)
    return text if text.strip() else ALPHANUMERIC


def _rand_alpha(length: Value, bad: Value = "") -> str:
    return random_text(to_integer(length), _without(string.ascii_letters, bad))


def _rand_alphanumeric(length: Value, bad: Value = "") -> str:
    return random_text(to_integer(length), _without(ALPHANUMERIC, bad))


def _rand_numeric(length: Value, bad: Value = "") -> str:
    return random_text(to_integer(length), _without(string.digits, bad))


def _without(characters: str, bad: Value) -> str:
    return characters.translate({ord(char): None for char in to_text(bad)})


def _rand_int(low: Value = 0.0, high: Value = LARGEST_INT) -> float:
    """From low up to, but not, high."""
    return float(random.randrange(to_integer(low), to_integer(high)))


FUNCTIONS = table(
    ("rand_base", _rand_base, 1, 2),
    ("rand_char", _rand_char, 0, 1),
    ("rand_text_alpha", _rand_alpha, 1, 2),
    ("rand_text_alphanumeric", _rand_alphanumeric, 1, 2),
    ("rand_text_numeric", _rand_numeric, 1, 2),
    ("rand_int", _rand_int, 0, 2),
)

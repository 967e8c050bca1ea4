"""The helper functions of expressions, by what they are about; FUNCTIONS is the whole list.

Each is known without its underscores as well (startswith), which is how older templates call them."""

from __future__ import annotations

from rookery.mechanisms.engine.dsl.functions import (
    addresses,
    chance,
    ciphers,
    compression,
    encoding,
    hashing,
    text,
    times,
    versions,
)
from rookery.mechanisms.engine.dsl.functions.refused import REFUSED
from rookery.mechanisms.engine.dsl.functions.signature import Function

DECLARED: dict[str, Function] = {
    **text.FUNCTIONS,
    **encoding.FUNCTIONS,
    **compression.FUNCTIONS,
    **hashing.FUNCTIONS,
    **ciphers.FUNCTIONS,
    **addresses.FUNCTIONS,
    **versions.FUNCTIONS,
    **chance.FUNCTIONS,
    **times.FUNCTIONS,
}
FUNCTIONS: dict[str, Function] = {
    spelling: function
    for name, function in DECLARED.items()
    for spelling in dict.fromkeys((name, name.replace("_", "")))
}

__all__ = ["DECLARED", "FUNCTIONS", "REFUSED", "Function"]

"""The helper functions of expressions, by what they are about; FUNCTIONS is the whole list."""

from __future__ import annotations

from rookery.mechanisms.engine.dsl.functions import chance, encoding, hashing, text, versions
from rookery.mechanisms.engine.dsl.functions.signature import Function

FUNCTIONS: dict[str, Function] = {
    **text.FUNCTIONS,
    **encoding.FUNCTIONS,
    **hashing.FUNCTIONS,
    **versions.FUNCTIONS,
    **chance.FUNCTIONS,
}

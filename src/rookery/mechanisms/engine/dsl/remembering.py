"""Calls that many templates make alike about one page, such as mmh3(base64_py(body)), are made once.

A page is one string for all who look at it, so that Python finds it by a hash it has already computed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps

from rookery.mechanisms.engine.dsl.values import Value
from rookery.mechanisms.engine.latin import LONG, LONGEST
from rookery.mechanisms.engine.names import names

# Without underscores. All are pure, and take long where the text is long.
COSTLY = names("base64 base64py hexencode htmlunescape md5 mmh3 sha1 sha256 sha512 tolower toupper urldecode")
Run = Callable[..., Value]


@lru_cache(maxsize=64)
def remembered(run: Run) -> Run:
    """The function, which knows its last few results for long texts; only for functions that are pure."""
    known = lru_cache(maxsize=4)(run)

    @wraps(run)
    def call(*values: Value) -> Value:
        if len(values) == 1 and isinstance(text := values[0], str) and LONG <= len(text) <= LONGEST:
            return known(text)
        return run(*values)

    return call

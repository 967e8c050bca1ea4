"""The garbage collector, kept out of where there is no garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collecting() -> Iterator[None]:
    """Keep the garbage collector out while much is made that has no cycles: it would look at it again and
    again, and take a third of the time. Short stretches only, for it is kept out of all threads."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

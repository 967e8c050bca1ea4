"""Types that values are decoded into, in whichever thread comes first.

What msgspec knows of a Struct it makes when that is first decoded into, and a second thread that comes
meanwhile takes it half made: the process dies of that (seen with msgspec 0.22). So it is made here, under
a lock.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_making = threading.Lock()
_ready: set[Any] = set()


def ready(kind: T) -> T:
    """The type itself, which `msgspec.convert`, `decode` and `Decoder` may be given from now on."""
    if kind not in _ready:
        with _making:
            msgspec.json.Decoder(kind)
            _ready.add(kind)
    return kind

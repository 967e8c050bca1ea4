"""The verbs of findings on a Rook: `rook.findings.list()`, and `await arook.findings.list()`."""

from __future__ import annotations

from rookery.domains.findings import store
from rookery.mechanisms.face import Face, RookT, bound


class Findings(Face[RookT]):
    """What is weak, and since when."""

    list = bound(store.list_)
    count = bound(store.count)
    get = bound(store.get)

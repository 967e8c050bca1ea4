"""The verbs of templates on a Rook: `rook.templates.list()`, and `await arook.templates.list()`."""

from __future__ import annotations

from rookery.domains.templates import service
from rookery.mechanisms.face import Face, RookT, bound


class Templates(Face[RookT]):
    """The checks: which there are, what they are, and which a scan would run."""

    list = bound(service.list_)
    show = bound(service.show)
    validate = bound(service.validate)
    stats = bound(service.stats)
    sync = bound(service.sync)
    roll_back = bound(service.roll_back)

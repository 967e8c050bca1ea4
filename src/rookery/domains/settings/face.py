"""The verbs of settings on a Rook: `rook.settings.update_value(…)`."""

from __future__ import annotations

from rookery.domains.settings import service
from rookery.mechanisms.face import Face, RookT, bound


class Settings(Face[RookT]):
    """What holds, and what may be changed while Rookery runs."""

    list = bound(service.list_)
    by_category = bound(service.by_category)
    by_key = bound(service.by_key)
    get = bound(service.get)
    value = bound(service.value)
    update_value = bound(service.update_value)
    unset = bound(service.unset)
    create = bound(service.create)
    initialise = bound(service.initialise)
    update = bound(service.update)
    delete = bound(service.delete)
    history = bound(service.history)

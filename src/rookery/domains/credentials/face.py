"""The verbs of credentials on a Rook: `rook.credentials.create(…)`."""

from __future__ import annotations

from rookery.domains.credentials import service
from rookery.mechanisms.face import Face, RookT, bound


class Credentials(Face[RookT]):
    """Logins on devices."""

    list = bound(service.list_)
    get = bound(service.get)
    create = bound(service.create)
    update = bound(service.update)
    delete = bound(service.delete)
    reveal = bound(service.reveal)
    fitting = bound(service.fitting_device)
    note_use = bound(service.note_use)
    rotate_key = bound(service.rotate_key)

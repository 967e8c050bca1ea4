"""The verbs of schedules on a Rook: `rook.schedules.create(…)`, and `await arook.schedules.create(…)`."""

from __future__ import annotations

from rookery.domains.schedules import firing, scanning, service, store
from rookery.mechanisms.face import Face, RookT, bound


class Schedules(Face[RookT]):
    """Have tasks submitted again and again, or once, later."""

    list = bound(store.list_)
    get = bound(store.get)
    create = bound(service.create)
    update = bound(service.update)
    enable = bound(service.enable)
    disable = bound(service.disable)
    delete = bound(service.delete)
    run_now = bound(firing.run_now)
    preview = bound(service.preview)
    history = bound(store.history)
    lasting_plan = bound(scanning.lasting_plan)

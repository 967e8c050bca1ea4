"""The verbs of notifications on a Rook: `rook.notifications.create_rule(…)`."""

from __future__ import annotations

from rookery.domains.notifications import channels, delivering, ruling
from rookery.mechanisms.face import Face, RookT, bound


class Notifications(Face[RookT]):
    """Which events are told, and to whom."""

    list_channels = bound(channels.list_)
    get_channel = bound(channels.get)
    create_channel = bound(channels.create)
    update_channel = bound(channels.update)
    delete_channel = bound(channels.delete)
    reveal_channel = bound(channels.reveal)
    test = bound(delivering.test)
    list_rules = bound(ruling.list_)
    get_rule = bound(ruling.get)
    create_rule = bound(ruling.create)
    update_rule = bound(ruling.update)
    delete_rule = bound(ruling.delete)
    history = bound(delivering.history)
    prune = bound(delivering.prune)
    reseal = bound(channels.reseal)

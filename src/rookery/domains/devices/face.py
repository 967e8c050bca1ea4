"""The verbs of devices on a Rook: `rook.devices.create(…)`, and `await arook.devices.create(…)`."""

from __future__ import annotations

from rookery.domains.devices import exchange, service, store
from rookery.mechanisms.face import Face, RookT, bound


class Devices(Face[RookT]):
    """The inventory: what has a configuration, and how to talk to its kind."""

    list = bound(store.list_)
    count = bound(store.count)
    get = bound(store.get)
    create = bound(service.create)
    update = bound(service.update)
    update_backup_status = bound(service.update_backup_status)
    delete = bound(service.delete)
    tags = bound(store.tags)
    tags_of = bound(service.tags_of)
    add_tags = bound(service.add_tags)
    remove_tags = bound(service.remove_tags)
    devices_for = bound(service.devices_for)
    preview_import = bound(exchange.preview_import)
    import_ = bound(exchange.import_)
    export = bound(exchange.export)
    host_keys = bound(store.host_keys)
    forget_host_keys = bound(service.forget_host_keys)
    platforms = bound(service.platforms)
    platform = bound(service.platform)
    add_platform = bound(service.add_platform)

"""The verbs of backups on a Rook: `rook.backups.capture("r1")`."""

from __future__ import annotations

from rookery.domains.backups import reaching, reading, resealing, service, store
from rookery.domains.backups.git import importing, mirroring
from rookery.domains.backups.probing import service as probing
from rookery.mechanisms.face import Face, RookT, bound


class Backups(Face[RookT]):
    """Configurations: collected, kept as versions, compared, searched."""

    capture = bound(service.capture)
    run = bound(service.run)
    reach = bound(reaching.reach)
    reach_one = bound(reaching.reach_one)
    peek = bound(service.peek)
    learn = bound(probing.learn)
    try_platform = bound(probing.try_platform)
    versions = bound(store.versions)
    get = bound(store.get)
    text = bound(reading.text)
    reveal = bound(reading.reveal)
    compare = bound(reading.compare)
    grep = bound(reading.grep)
    reseal = bound(resealing.reseal)
    rotate_out = bound(resealing.rotate_out)
    import_history = bound(importing.import_history)
    mirror = bound(mirroring.mirror)

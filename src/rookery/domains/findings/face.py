"""The verbs of findings on a Rook: `rook.findings.list()`, and `await arook.findings.list()`."""

from __future__ import annotations

from rookery.domains.findings import exporting, rating, service, store
from rookery.domains.findings.lapsing import of_today, stream_of_today
from rookery.mechanisms.face import Face, RookT, bound, bound_stream


class Findings(Face[RookT]):
    """What is weak, and since when."""

    list = bound(of_today(store.list_))
    count = bound(of_today(store.count))
    get = bound(of_today(store.get))
    history = bound(of_today(store.history))
    evidence = bound(store.evidence)
    groups = bound(of_today(store.groups))
    triage = bound(of_today(service.triage))
    assign = bound(of_today(service.assign))
    note = bound(of_today(service.note))
    label = bound(of_today(service.label))
    export = bound_stream(stream_of_today(exporting.export))
    import_feed = bound(rating.import_feed)
    feeds = bound(rating.feeds)

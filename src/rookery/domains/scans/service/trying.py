"""Trying one template on one target, for its author; nothing is kept."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rookery.domains.scans import store
from rookery.domains.scans.endpoints import parse_endpoint
from rookery.domains.scans.events import TemplateTried
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.service.preparing import refuse_strangers
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.domains.scans.trial import Trial


@dual
def try_template(rook: Rook, /, name: str, endpoint: str) -> Trial:
    """Run the template with this id, or in this file, on an endpoint, and tell all that happens.

    Raises TemplateNotFound, TemplateError, UnsupportedTemplate; BadTarget, TargetOutOfScope, FileUnreadable.
    """
    from rookery.domains.scans.trial import tried  # the engine takes 0.1 s to import
    from rookery.domains.templates.reading import file_of

    target = parse_endpoint(endpoint).target
    with rook.reading() as session:
        scope = Scope(row.entry for row in store.scope_entries(session))
    refuse_strangers(rook, (target,), scope)
    path = rook.offload(file_of, name, rook.data_dir)
    limits = rook.current_config().scan
    trial = rook.wait_for(partial(tried, path, target, scope, limits, data_dir=rook.data_dir))
    rook.emit(TemplateTried(trial.template, target))
    return trial

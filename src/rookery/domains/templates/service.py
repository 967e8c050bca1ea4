"""What templates do: list, show, validate, count and sync them. They are files: no database is asked.

What reads templates imports the engine, which takes 0.1 s, so it is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rookery.domains.templates.events import TemplatesRolledBack, TemplatesSynced
from rookery.domains.templates.listing import Listing, listing
from rookery.domains.templates.rules import EVERYTHING, Selector
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.domains.templates.reading import Shown
    from rookery.domains.templates.survey import Stats, Surveyed
    from rookery.domains.templates.sync import Synced


@dual
def list_(rook: Rook, /, selector: Selector = EVERYTHING, *, templates: Sequence[Path] = ()) -> Listing:
    """What a scan with this selection would run, and what it would leave out. Raises what it would raise."""
    from rookery.domains.templates.library import open_library

    library = rook.offload(
        open_library,
        templates,
        rook.data_dir,
        rook.config.templates,
        include_tags=selector.include_tags,
    )
    return rook.offload(lambda: listing(library.select(selector)))


@dual
def show(rook: Rook, /, name: str) -> Shown:
    """One template by its id, or by its path. Raises TemplateNotFound, or TemplateError where it is none."""
    from rookery.domains.templates import reading

    return rook.offload(reading.show, name, rook.data_dir, rook.config.templates.trusted_keys)


@dual
def validate(rook: Rook, /, paths: Sequence[Path]) -> list[Surveyed]:
    """What can be said of every file in these files and folders. Raises TemplatesNotFound."""
    from rookery.domains.templates import reading

    return rook.offload(reading.look_at, paths, rook.data_dir, rook.config.templates.trusted_keys)


@dual
def stats(rook: Rook, /, paths: Sequence[Path] = ()) -> Stats:
    """These files and folders, or the installed templates, in numbers. Raises TemplatesNotFound."""
    from rookery.domains.templates import reading
    from rookery.domains.templates.survey import summed_up

    files = rook.offload(reading.look_at, paths, rook.data_dir, rook.config.templates.trusted_keys)
    return summed_up(files)


@dual
def sync(rook: Rook, /, source: Path) -> Synced:
    """Make the templates of a folder or archive those in data_dir/templates, and no others.

    Raises SourceRefused, SyncFailed.
    """
    from rookery.domains.templates import sync as syncing

    synced = rook.offload(syncing.sync, rook.data_dir, source)
    rook.emit(TemplatesSynced(str(source), **_counts(synced)))
    return synced


@dual
def roll_back(rook: Rook, /) -> Synced:
    """Take the set that was in data_dir/templates before. Raises NothingToRollBack, SyncFailed."""
    from rookery.domains.templates import sync as syncing

    synced = rook.offload(syncing.roll_back, rook.data_dir)
    rook.emit(TemplatesRolledBack(**_counts(synced)))
    return synced


def _counts(synced: Synced) -> dict[str, int]:
    return {
        "templates": synced.templates,
        "added": len(synced.added),
        "changed": len(synced.changed),
        "removed": len(synced.removed),
    }

"""A difference as text, as `patch` takes it."""

from __future__ import annotations

from collections.abc import Iterator

from rookery.domains.backups.diffing.hunks import Diff

SIGNS = {"same": " ", "removed": "-", "added": "+"}


def unified(difference: Diff, old_name: str, new_name: str) -> Iterator[str]:
    """Lines without their ends; nothing when nothing differs."""
    if difference.is_empty:
        return
    yield f"--- {old_name}"
    yield f"+++ {new_name}"
    for hunk in difference.hunks():
        yield hunk.header
        for line in hunk.lines:
            yield SIGNS[line.kind] + line.text

"""What has changed in a configuration, for a message: bounded, and without secrets."""

from __future__ import annotations

from itertools import islice
from typing import Any

from rookery.base.errors import NotFound
from rookery.domains.backups import reading, rules, store
from rookery.domains.backups.diffing import diff
from rookery.domains.backups.diffing.rendering import unified
from rookery.domains.devices.library import Library
from rookery.mechanisms.rook import Rook

MOST_LINES = 200
LONGEST_LINE = 500


def difference(rook: Rook, details: dict[str, Any]) -> str:
    """The unified difference that an occurrence tells of; nothing where its versions are no more."""
    try:
        return _unified(rook, details["device_id"], details["old_version"], details["version"])
    except NotFound:
        return ""


def _unified(rook: Rook, device: str, old: int, new: int) -> str:
    compared = reading.compare(rook, device, old, new)
    found = compared.difference
    if rook.current_config().backups.redaction == "keep":  # what is stored has its secrets
        texts = [_masked(rook, each.platform, each.id) for each in (compared.old, compared.new)]
        found = diff(texts[0], texts[1])
    lines = list(islice(unified(found, f"version {old}", f"version {new}"), MOST_LINES + 1))
    shown = [line[:LONGEST_LINE] for line in lines[:MOST_LINES]]
    return "\n".join([*shown, "…"] if len(lines) > MOST_LINES else shown)


def _masked(rook: Rook, platform: str, version_id: str) -> list[str]:
    text = store.text(rook, version_id).encode()
    known = rook.offload(Library(rook.data_dir).get, platform)
    return rules.masked(known, text, None).text.decode("utf-8", "replace").splitlines()

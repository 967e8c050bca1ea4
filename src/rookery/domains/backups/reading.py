"""Looking at what is kept: texts, differences, and what is found in all of them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import NamedTuple

from rookery.domains.backups import rules, store
from rookery.domains.backups.diffing import Diff, diff
from rookery.domains.backups.events import ConfigurationRevealed
from rookery.domains.backups.service import place
from rookery.domains.backups.store import VersionInfo
from rookery.domains.credentials.errors import CredentialNotValid
from rookery.domains.devices import store as devices
from rookery.domains.devices.errors import PlatformNotFound
from rookery.domains.devices.library import Library
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.transport.terminal.dialect import pattern
from rookery.mechanisms.vault.keys import open_vault

AT_ONCE = 500
"""Configurations that are in memory at the same time, of a search."""
IN_A_ROW = 25
"""Of these, those that a thread searches before it looks for more."""


class Compared(NamedTuple):
    """Two versions of a device, and what differs between them."""

    old: VersionInfo
    new: VersionInfo
    difference: Diff


class Hit(NamedTuple):
    """A line of a current configuration in which something was found; numbers from 1."""

    device: str
    version: int
    number: int
    line: str


@dual
def text(rook: Rook, /, device: str, number: int | None = None, *, at: datetime | None = None) -> str:
    """A configuration without its secrets: the newest, of a number or a time. Raises VersionNotFound."""
    return store.text(rook, store.get(rook, device, number, at=at).id)


@dual
def reveal(
    rook: Rook, /, device: str, reason: str, number: int | None = None, *, at: datetime | None = None
) -> str:
    """A configuration as it came, with its secrets; that it was seen, by whom and why, is audited first.

    Raises VersionNotFound, CredentialNotValid without a reason, SealBroken.
    """
    if not reason.strip():
        raise CredentialNotValid("Say why: the reason is kept in the audit log.")
    version = store.get(rook, device, number, at=at)
    vault = rook.offload(open_vault, rook.config)
    raw = zlib.decompress(vault.open(store.sealed(rook, version.id), place(version.id)))
    rook.emit(ConfigurationRevealed(version.device, version.device_id, version.number, reason.strip()))
    return raw.decode("utf-8", "replace")


@dual
def compare(
    rook: Rook, /, device: str, old: int | None = None, new: int | None = None, *, context: int = 3
) -> Compared:
    """What has changed from one version to another: of the last change, unless told otherwise.

    With one number: from that version to the newest. Raises VersionNotFound.
    """
    after = store.get(rook, device, new)
    before = store.get(rook, device, max(after.number - 1, 1) if old is None else old)
    texts = [store.text(rook, each.id).splitlines() for each in (before, after)]
    noisy = rook.offload(_noise, rook, after.platform)
    return Compared(before, after, diff(texts[0], texts[1], is_noise=noisy, context=context))


def _noise(rook: Rook, platform: str) -> rules.IsNoise | None:
    try:
        return rules.is_noise(Library(rook.data_dir).get(platform))
    except PlatformNotFound:  # of one's own, and gone meanwhile
        return None


@dual
def grep(rook: Rook, /, regex: str, filter_: str = "", *, most: int = 10_000) -> list[Hit]:
    """The lines of current configurations in which a regular expression (RE2) is found, device by device.

    Raises PatternNotValid, FilterNotValid.
    """
    wanted = pattern(f"(?m){regex}")
    ids = devices.ids(rook, filter_)
    hits: list[Hit] = []
    for start in range(0, len(ids), AT_ONCE):
        with rook.reading() as session:
            some = store.current(session, ids[start : start + AT_ONCE])
        hits += rook.offload(_search, wanted, some)
        if len(hits) >= most:
            break
    return hits[:most]


def _search(wanted: rules.Pattern, texts: Sequence[store.Current]) -> list[Hit]:
    """Beside each other: zlib and RE2 let go of the interpreter meanwhile."""
    parts = [texts[at : at + IN_A_ROW] for at in range(0, len(texts), IN_A_ROW)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [hit for hits in pool.map(partial(_hits_in, wanted), parts) for hit in hits]


def _hits_in(wanted: rules.Pattern, texts: Sequence[store.Current]) -> list[Hit]:
    return [hit for text in texts for hit in _hits(wanted, text)]


def _hits(wanted: rules.Pattern, text: store.Current) -> list[Hit]:
    content = zlib.decompress(text.content)
    hits: list[Hit] = []
    at, number, end = 0, 1, -1
    for found in wanted.finditer(content):
        if found.start() <= end:
            continue  # another one in the same line
        start = content.rfind(b"\n", 0, found.start()) + 1
        end = content.find(b"\n", found.start())
        end = len(content) if end < 0 else end
        number += content.count(b"\n", at, start)
        at = start
        line = content[start:end].decode("utf-8", "replace")
        hits.append(Hit(text.device, text.number, number, line))
    return hits

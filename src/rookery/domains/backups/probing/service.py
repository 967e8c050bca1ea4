"""Trying platforms on devices. Host keys and uses of credentials are noted on the way, as by a backup."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from rookery.base.redact import register_secret
from rookery.domains.backups.collecting import Job, Uses
from rookery.domains.backups.preparing import Preparation, Stranger, T, Talk
from rookery.domains.backups.probing.drafting import draft
from rookery.domains.backups.probing.learning import listened
from rookery.domains.backups.probing.recognising import Likeness, likenesses
from rookery.domains.backups.probing.trial import Step, tried
from rookery.domains.backups.service import note
from rookery.domains.backups.turns import turn_of
from rookery.domains.devices import service as device_service
from rookery.domains.devices import store as devices
from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.errors import PlatformNotValid
from rookery.domains.devices.library import Library
from rookery.domains.devices.platform import Platform
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook

Host = str | Stranger
"""A device of the inventory, by its name or id, or one that is not in it."""


class Trial(msgspec.Struct, frozen=True):
    """What a platform did on a device, phase by phase."""

    platform: str
    device: str
    steps: list[Step]

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong; something may be doubtful."""
        return all(step.verdict != "wrong" for step in self.steps)


@dual
def try_platform(rook: Rook, /, platform: str, host: Host) -> Trial:
    """Do on a device what a platform says, and judge each phase. Nothing that the device sends is kept.

    Raises PlatformNotFound, PlatformNotValid, DeviceNotFound, DeviceNotValid, NoCredential.
    """
    found = device_service.platform(rook, platform)
    device, steps = _talked(rook, host, found, tried)
    return Trial(found.name, device, steps)


class Learnt(msgspec.Struct, frozen=True):
    """What was found out about a device: what it is like, the likeliest first, and a platform's draft.

    `prompt` is empty where commands have channels of their own; `asked` are the questions it was asked.
    """

    device: str
    prompt: str
    asked: list[str]
    likenesses: list[Likeness]
    draft: str
    broken_off: str


@dual
def learn(rook: Rook, /, host: Host) -> Learnt:
    """Ask an unknown device harmless questions, and draft a platform for it. Nothing is stored.

    Raises DeviceNotFound, DeviceNotValid, and what `capture` raises of devices.
    """
    known = rook.offload(_known, rook.data_dir)
    name, heard = _talked(rook, host, UNKNOWN, partial(listened, list(known.values())))
    found = likenesses(heard, list(known.values()))
    like = found[0] if found else None
    text = draft(heard, like, known[like.platform] if like else None)
    return Learnt(name, heard.prompt.strip(), list(heard.answers), found, text, heard.broken_off)


UNKNOWN = Platform(title="unknown", name="unknown")


def _known(data_dir: Path) -> dict[str, Platform]:
    """Without those that are not right: their author is perhaps about to learn how they would be."""
    library = Library(data_dir)
    found: dict[str, Platform] = {}
    for name in library.names():
        with suppress(PlatformNotValid):
            found[name] = library.get(name)
    return found


def _talked(rook: Rook, host: Host, platform: Platform, talk: Talk[T]) -> tuple[str, T]:
    """The device's name, and what came of it."""
    if isinstance(host, Stranger):
        register_secret(host.password)
        prepared = Preparation(rook, [])
        return host.host, rook.wait_for(prepared.talk, talk, prepared.job_for(host, platform), Uses())
    device = devices.get(rook, host)
    prepared = Preparation(rook, [device])
    with turn_of(rook, device, prepared.config.backups.total_timeout):
        return device.name, _noted(rook, prepared, device, prepared.job(device, platform=platform), talk)


def _noted(rook: Rook, prepared: Preparation, device: DeviceInfo, job: Job, talk: Talk[T]) -> T:
    uses = Uses()
    try:
        return rook.wait_for(prepared.talk, talk, job, uses)
    finally:
        with rook.transaction() as session:
            note(rook, session, prepared, device, uses)

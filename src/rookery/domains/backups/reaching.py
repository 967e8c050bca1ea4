"""Logging in on devices and hanging up: which ones answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rookery.base.clock import now_us
from rookery.domains.backups import collecting, service
from rookery.domains.backups.collecting import Uses
from rookery.domains.backups.preparing import Preparation
from rookery.domains.backups.service import Captured
from rookery.domains.backups.turns import turn_of
from rookery.domains.credentials import service as credential_service
from rookery.domains.devices import store as devices
from rookery.domains.devices.document import DeviceInfo
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook


@dual
def reach(
    rook: Rook, /, filter_: str = "", *, names: Sequence[str] = (), credential: str = ""
) -> list[Captured]:
    """Log in on devices and hang up: what became of each. Nothing is stored but what was learnt on the way.

    With a `credential`, by its name or id, that alone is tried, whatever its tags. Raises FilterNotValid,
    DeviceNotFound, CredentialNotFound.
    """
    only = credential_service.get(rook, credential).name if credential else ""
    chosen = service.chosen(rook, names, filter_)
    prepared = Preparation(rook, chosen)
    return rook.each(
        lambda device: _tried_to_reach(rook, prepared, device, only),
        chosen,
        limit=prepared.config.backups.concurrency,
    )


@dual
def reach_one(rook: Rook, /, device: str) -> Captured:
    """Log in on one device and hang up; `reason` is its prompt. Raises DeviceNotFound, and what refused."""
    info = devices.get(rook, device)
    return _reached_alone(rook, Preparation(rook, [info]), info, "")


def _tried_to_reach(rook: Rook, prepared: Preparation, device: DeviceInfo, credential: str) -> Captured:
    started = time.monotonic()
    try:
        return _reached_alone(rook, prepared, device, credential)
    except Exception as error:  # noqa: BLE001  no device's failure is another's
        code, reason = service.why(device, error)
    seconds = time.monotonic() - started
    return Captured(device=device.name, status="failed", code=code, reason=reason, seconds=seconds)


def _reached_alone(rook: Rook, prepared: Preparation, device: DeviceInfo, credential: str) -> Captured:
    with turn_of(rook, device, prepared.config.backups.total_timeout):
        return _reached(rook, prepared, device, credential)


def _reached(rook: Rook, prepared: Preparation, device: DeviceInfo, credential: str) -> Captured:
    started, uses, seen = time.monotonic(), Uses(), False
    try:
        prompt = rook.wait_for(prepared.talk, collecting.reach, prepared.job(device, credential), uses)
        seen = True
    finally:
        with rook.transaction() as session:
            service.note(rook, session, prepared, device, uses)
            if seen:
                devices.note_seen(session, device.id, now_us())
    seconds = time.monotonic() - started
    return Captured(device=device.name, status="unchanged", reason=prompt, seconds=seconds)

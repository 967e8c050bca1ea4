"""Taking backups: of one device, or of many beside each other; read, act, record."""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from rookery.base.clock import now, now_us
from rookery.base.errors import RookeryError
from rookery.base.ids import new_id
from rookery.base.redact import redact_text, register_secret
from rookery.domains.backups import collecting, rules, store
from rookery.domains.backups.collecting import Collected, Job, Uses
from rookery.domains.backups.diffing import diff
from rookery.domains.backups.errors import BackedUpMeanwhile, DeviceDisabled
from rookery.domains.backups.events import BackupFailed, BackupTaken
from rookery.domains.backups.preparing import Preparation, Stranger, rests_until
from rookery.domains.backups.turns import turn_of
from rookery.domains.credentials import store as credentials
from rookery.domains.devices import store as devices
from rookery.domains.devices.document import DeviceInfo
from rookery.domains.devices.events import HostKeyTrusted
from rookery.domains.devices.rules import BackupStatus
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.transport.terminal.hostkeys import fingerprint

log = logging.getLogger(__name__)

Heard = Callable[["Captured"], object]
"""Called with what became of each device, as soon as that is known, in whichever thread."""


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one device. `code` and `reason` say why it failed or was skipped."""

    device: str
    status: Literal["changed", "unchanged", "failed", "skipped"]
    version: int | None = None
    added: int = 0
    removed: int = 0
    code: str = ""
    reason: str = ""
    seconds: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """What became of many, in the order of their names."""

    devices: tuple[Captured, ...]

    def count(self, status: str) -> int:
        """How many of them."""
        return sum(each.status == status for each in self.devices)

    @property
    def failures(self) -> dict[str, list[Captured]]:
        """Those that failed, by cause, the most frequent first."""
        found: dict[str, list[Captured]] = {}
        for each in self.devices:
            if each.status == "failed":
                found.setdefault(each.code, []).append(each)
        return dict(sorted(found.items(), key=lambda pair: -len(pair[1])))


@dual
def capture(rook: Rook, /, device: str, *, accept_shrunken: bool = False) -> Captured:
    """Back up one device, whatever became of it before; a version is added when it has changed.

    Raises DeviceNotFound, DeviceDisabled, and whatever the device or its answer is to blame for, which is
    noted on the device as well: the tree of `transport.terminal.errors`, and NotAConfiguration. Another who
    talks to the device is waited for; DeviceBusy, when that one does not end.
    """
    info = devices.get(rook, device)
    if not info.is_enabled:
        raise DeviceDisabled
    return _captured_alone(rook, Preparation(rook, [info]), info, accept_shrunken=accept_shrunken)


@dual
def run(
    rook: Rook,
    /,
    filter_: str = "",
    *,
    names: Sequence[str] = (),
    failed_only: bool = False,
    accept_shrunken: bool = False,
    on_device: Heard | None = None,
) -> Report:
    """Back up the devices of these names, or those that a filter chooses, so many at a time as is configured.

    No device's failure is another's. Disabled ones are skipped, and so are those that have failed again and
    again, for a while, unless they are named. Raises FilterNotValid, DeviceNotFound, before it begins.
    """
    wanted = chosen(rook, names, filter_)
    if failed_only:
        wanted = [each for each in wanted if each.last_backup == "failed"]
    prepared = Preparation(rook, wanted)

    def one(device: DeviceInfo) -> Captured:
        skipped = _skipped(device, is_named=bool(names) or failed_only)
        done = skipped or _tried(rook, prepared, device, accept_shrunken=accept_shrunken)
        if on_device is not None:
            on_device(done)
        return done

    return Report(tuple(rook.each(one, wanted, limit=prepared.config.backups.concurrency)))


def chosen(rook: Rook, names: Sequence[str], filter_: str) -> list[DeviceInfo]:
    """Each once, however often it is named."""
    if not names:
        return devices.list_(rook, filter_)
    return list({device.id: device for device in (devices.get(rook, name) for name in names)}.values())


def _skipped(device: DeviceInfo, *, is_named: bool) -> Captured | None:
    if not device.is_enabled:
        return Captured(device=device.name, status="skipped", code="disabled", reason="It is disabled.")
    until = rests_until(device)
    if until is None or is_named or until <= now():
        return None
    reason = f"Failed {device.failed_in_row} times in a row: left alone until {until:%Y-%m-%d %H:%M} UTC."
    return Captured(device=device.name, status="skipped", code="resting", reason=reason)


def _tried(rook: Rook, prepared: Preparation, device: DeviceInfo, *, accept_shrunken: bool) -> Captured:
    started = time.monotonic()
    try:
        return _captured_alone(rook, prepared, device, accept_shrunken=accept_shrunken)
    except Exception as error:  # noqa: BLE001  no device's failure is another's
        code, reason = why(device, error)
    seconds = time.monotonic() - started
    return Captured(device=device.name, status="failed", code=code, reason=reason, seconds=seconds)


def why(device: DeviceInfo, error: Exception) -> tuple[str, str]:
    """Code and reason of a failure; of one that should not happen, the log has more."""
    if isinstance(error, RookeryError):
        return type(error).code, str(error)
    log.error("%s: unexpected error", device.name, exc_info=error)
    return "unexpected", redact_text(f"{type(error).__name__}: {error}")


def _captured_alone(
    rook: Rook, prepared: Preparation, device: DeviceInfo, *, accept_shrunken: bool
) -> Captured:
    with turn_of(rook, device, prepared.config.backups.total_timeout):
        return _captured(rook, prepared, device, accept_shrunken=accept_shrunken)


def _captured(rook: Rook, prepared: Preparation, device: DeviceInfo, *, accept_shrunken: bool) -> Captured:
    started, uses = time.monotonic(), Uses()
    try:
        made = _collected(rook, prepared, device, uses, accept_shrunken=accept_shrunken)
    except RookeryError as error:
        _record_failure(rook, prepared, device, error, uses)
        raise
    status: BackupStatus = "unchanged" if made.row is None else "changed"
    with rook.transaction() as session:
        devices.note_backup(session, device.id, status, now_us(), "", made.facts)  # holds the device's row
        if store.newest(session, device.id) != made.before:
            raise BackedUpMeanwhile
        note(rook, session, prepared, device, uses)
        if made.row is not None:
            store.add(session, made.row)
        elif made.before is not None:
            store.confirm(session, made.before.id, now_us())
        recovered = device.last_backup == "failed"
        rook.emit(
            BackupTaken(
                device.name, device.id, made.number, made.row is not None, made.added, made.removed, recovered
            )
        )
    return Captured(
        device=device.name, status=status, version=made.number, added=made.added, removed=made.removed,
        seconds=time.monotonic() - started,
    )  # fmt: skip


class _Made(NamedTuple):
    """A new version or none, the number of the newest, the one before, and what the device says of itself."""

    row: dict[str, Any] | None
    number: int
    added: int
    removed: int
    before: store.Newest | None
    facts: dict[str, str]


def _collected(
    rook: Rook, prepared: Preparation, device: DeviceInfo, uses: Uses, *, accept_shrunken: bool
) -> _Made:
    """What is to be stored. The text itself ends with this: many may wait for their turn to be stored."""
    job = prepared.job(device)
    collected = rook.wait_for(prepared.talk, collecting.collect, job, uses)
    before = store.newest(rook, device.id)
    rules.check(job.platform, collected.text, before.lines if before and not accept_shrunken else None)
    return _made(rook, prepared, job, collected, before)


def _made(
    rook: Rook, prepared: Preparation, job: Job, collected: Collected, before: store.Newest | None
) -> _Made:
    how = prepared.config.backups.redaction
    name = prepared.vault.name if how == "name" else None
    masked = rules.masked(job.platform, collected.text, name, keep=how == "keep")
    if before is not None and before.digest == masked.digest:
        return _Made(None, before.number, 0, 0, before, collected.facts)
    added, removed = masked.lines, 0
    if before is not None:
        old = store.text(rook, before.id).splitlines()
        difference = diff(old, masked.text.decode().splitlines(), is_noise=rules.is_noise(job.platform))
        added, removed = difference.added, difference.removed
    number = before.number + 1 if before else 1
    row = row_of(
        prepared, job.device, collected.text, masked,
        added=added, removed=removed, actor=rook.actor, number=number,
    )  # fmt: skip
    return _Made(row, number, added, removed, before, collected.facts)


def row_of(
    prepared: Preparation, device: DeviceInfo, raw: bytes, masked: rules.Masked, **more: Any
) -> dict[str, Any]:
    """The columns of a new version; `more` are its number, counts and actor, or another time."""
    id_, moment = new_id(), now_us()
    return {
        "id": id_, "device_id": device.id, "device": device.name, "platform": device.platform,
        "taken_us": moment, "seen_us": moment, "digest": masked.digest, "lines": masked.lines,
        "size": len(raw), "content": zlib.compress(masked.text, store.COMPRESSION),
        "raw": prepared.vault.seal(zlib.compress(raw, store.COMPRESSION), place(id_)), **more,
    }  # fmt: skip


def place(version_id: str) -> str:
    """What a sealed raw text is bound to."""
    return f"configuration {version_id}"


def _record_failure(
    rook: Rook, prepared: Preparation, device: DeviceInfo, error: RookeryError, uses: Uses
) -> None:
    with rook.transaction() as session:
        devices.note_backup(session, device.id, "failed", now_us(), str(error))
        note(rook, session, prepared, device, uses)
        in_row = device.failed_in_row + 1
        rook.emit(BackupFailed(device.name, device.id, type(error).code, str(error), in_row))


def note(rook: Rook, session: Any, prepared: Preparation, device: DeviceInfo, uses: Uses) -> None:
    """What was learnt on the way: which credentials are taken, and a host key that is trusted from now on."""
    for credential_id, was_taken in uses.all:
        credentials.note_use(session, credential_id, was_taken=was_taken)
    key = prepared.known.fresh.pop((device.address, device.port), None)
    if key is not None:
        devices.add_host_key(session, device.address, device.port, key)
        rook.emit(HostKeyTrusted(f"{device.address}:{device.port}", fingerprint(key)))


@dual
def peek(
    rook: Rook, /, host: str, platform: str, username: str, password: str, *, port: int | None = None
) -> str:
    """The configuration of a device that is in no inventory, with its secrets. Nothing is kept of it.

    Its host key is not checked against anything. Raises PlatformNotFound, DeviceNotValid, and what `capture`
    raises.
    """
    register_secret(password)
    prepared = Preparation(rook, [], platform=platform)
    stranger = Stranger(host, username, password, port)
    job = prepared.job_for(stranger, prepared.platform(platform))
    collected = rook.wait_for(prepared.talk, collecting.collect, job, Uses())
    rules.check(job.platform, collected.text, None)
    return collected.text.decode("utf-8", "replace")

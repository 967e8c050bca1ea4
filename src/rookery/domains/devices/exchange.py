"""Lists of devices that come and go: what an import would change, doing it, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from sqlalchemy.orm import Session

from rookery.base.errors import RookeryError
from rookery.base.structs import ready
from rookery.domains.devices import formats, store
from rookery.domains.devices.document import differences, spec_of
from rookery.domains.devices.errors import DeviceNotValid
from rookery.domains.devices.events import DeviceCreated
from rookery.domains.devices.formats import Record
from rookery.domains.devices.formats.record import KIND
from rookery.domains.devices.library import Library
from rookery.domains.devices.models import Device
from rookery.domains.devices.rules import PARTS, DeviceSpec, valid
from rookery.domains.devices.service import new_row, write
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook


class Change(msgspec.Struct, frozen=True):
    """What becomes of one device of a list: `changed` names its parts, `reason` says why it is refused."""

    name: str
    what: Literal["create", "update", "unchanged", "refuse"]
    place: str
    changed: tuple[str, ...] = ()
    reason: str = ""


class ImportOutcome(msgspec.Struct, frozen=True):
    """What an import changes, device by device, in the order of the list; `ignored` has no place here."""

    changes: tuple[Change, ...]
    ignored: tuple[str, ...] = ()

    def count(self, what: str) -> int:
        """How many of them."""
        return sum(each.what == what for each in self.changes)


@dual
def preview_import(rook: Rook, /, text: str, format_: str, **defaults: Any) -> ImportOutcome:
    """What importing a list would change. `defaults` are parts for devices of which it says nothing.

    Raises InventoryNotValid.
    """
    wanted = rook.offload(_read, rook, text, format_, defaults)
    with rook.reading() as session:
        return _outcome(list(_judged(session, wanted)))


@dual
def import_(rook: Rook, /, text: str, format_: str, **defaults: Any) -> ImportOutcome:
    """Create the devices of a list, and change those that are there: all in one transaction.

    What is refused, and why, is told; the others go in. Raises InventoryNotValid.
    """
    wanted = rook.offload(_read, rook, text, format_, defaults)
    with rook.transaction() as session:
        judged = list(_judged(session, wanted))
        rows = store.rows_named(session, [change.name for change, _ in judged if change.what == "update"])
        for change, each in judged:
            if each.spec is not None and change.what == "create":
                _create(rook, session, each.spec)
            elif each.spec is not None and change.what == "update":
                row = rows[change.name.lower()]
                write(rook, row, _over(row, each))
    return _outcome(judged)


@dual
def export(rook: Rook, /, format_: str, filter_: str = "") -> str:
    """The devices that a filter chooses, written down. Raises InventoryNotValid, FilterNotValid."""
    devices = store.list_(rook, filter_)
    return rook.offload(lambda: "".join(formats.write(format_, devices)))


class _Wanted(msgspec.Struct, frozen=True):
    record: Record
    spec: DeviceSpec | None
    reason: str = ""


def _outcome(judged: list[tuple[Change, _Wanted]]) -> ImportOutcome:
    ignored = {name for _, each in judged for name in each.record.ignored}
    return ImportOutcome(tuple(change for change, _ in judged), tuple(sorted(ignored)))


def _read(rook: Rook, text: str, format_: str, defaults: dict[str, Any]) -> list[_Wanted]:
    library = Library(rook.data_dir)
    seen: set[str] = set()
    return [_wanted(library, record, defaults, seen) for record in formats.read(format_, text)]


def _wanted(library: Library, record: Record, defaults: dict[str, Any], seen: set[str]) -> _Wanted:
    record = _with_kind(library, record)
    parts = {**defaults, **{key: value for key, value in record.parts.items() if value != ""}}
    try:
        _refuse_half(parts)
        spec = msgspec.convert(parts, ready(DeviceSpec))
        spec = valid(msgspec.structs.replace(spec, platform=library.get(spec.platform).name))
        if spec.name.lower() in seen:
            raise DeviceNotValid("this name stands in the list already.")
    except (RookeryError, msgspec.ValidationError) as error:
        return _Wanted(record, None, str(error))
    seen.add(spec.name.lower())
    return _Wanted(record, spec)


def _with_kind(library: Library, record: Record) -> Record:
    """A column `type` says the platform, where it says one."""
    if not record.kind or record.parts.get("platform"):
        return record
    try:
        platform = library.get(record.kind).name
    except RookeryError:
        return record
    ignored = tuple(name for name in record.ignored if name != KIND)
    return record._replace(parts=record.parts | {"platform": platform}, ignored=ignored)


def _refuse_half(parts: dict[str, Any]) -> None:
    if not parts.get("name"):
        raise DeviceNotValid("it has no name.")
    if not parts.get("platform"):
        raise DeviceNotValid("the list says no platform: --platform NAME is that of all such devices.")


def _judged(session: Session, wanted: list[_Wanted]) -> Iterator[tuple[Change, _Wanted]]:
    rows = store.rows_named(session, [each.spec.name for each in wanted if each.spec])
    for each in wanted:
        place = each.record.place
        if each.spec is None:
            name = str(each.record.parts.get("name", ""))
            yield Change(name, "refuse", place, reason=each.reason), each
        elif (row := rows.get(each.spec.name.lower())) is None:
            yield Change(each.spec.name, "create", place), each
        else:
            changed = tuple(key for key in differences(row, _over(row, each)) if key in PARTS)
            yield Change(each.spec.name, "update" if changed else "unchanged", place, changed), each


def _over(row: Device, wanted: _Wanted) -> DeviceSpec:
    """A device with what a list itself says of it; tags are added to those that it has."""
    before = spec_of(row)
    said = {("is_enabled" if name == "enabled" else name) for name in wanted.record.parts}
    parts = {name: getattr(wanted.spec, name) for name in said & set(PARTS) - {"name", "tags"}}
    tags = tuple(sorted({*before.tags, *(wanted.spec.tags if wanted.spec else ())}))
    return msgspec.structs.replace(before, **parts, tags=tags)


def _create(rook: Rook, session: Session, spec: DeviceSpec) -> None:
    row = new_row(spec, rook.actor)
    session.add(row)
    rook.emit(DeviceCreated(row.name, row.id, row.address, row.platform))

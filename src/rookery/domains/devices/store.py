"""Devices, their tags and their host keys, as they are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rookery.base.clock import now_us
from rookery.domains.devices.document import DeviceInfo, decode_tags, device_info, device_of
from rookery.domains.devices.errors import DeviceExists, DeviceNotFound
from rookery.domains.devices.filters import MEANING
from rookery.domains.devices.models import Device, DeviceHostKey
from rookery.domains.devices.orders import ORDERS
from rookery.domains.devices.rules import LONGEST_WORD, BackupStatus
from rookery.mechanisms.dual import dual, dual_read
from rookery.mechanisms.store import sql
from rookery.mechanisms.store.names import Called, by_id
from rookery.mechanisms.store.orders import Place

FACTS = {"model", "serial", "version"}
"""What a device says of itself that is kept."""
MANY = 500
"""Hosts from which it is quicker to read the keys of all."""
LONGEST_ERROR = 1_000  # characters
CALLED = Called("device", "rookery devices list", DeviceNotFound)


class TagFigures(NamedTuple):
    """A tag, and how many devices have it."""

    tag: str
    devices: int


@dual_read
def get(session: Session, /, name: str) -> DeviceInfo:
    """The device of this name, in whichever case, or with this id. Raises DeviceNotFound."""
    return device_info(row_of(session, name))


@dual_read
def list_(
    session: Session,
    /,
    filter_: str = "",
    *,
    limit: int | None = None,
    after: Place | str = "",
    sort: str = "name",
) -> list[DeviceInfo]:
    """Devices in the order of `sort`; `filter_` is the filter language.

    `after` is the place that the page before ended with, in the order of names a name. Raises FilterNotValid,
    OrderNotValid.
    """
    order = ORDERS.of(sort)
    query = _LISTED.where(*MEANING.conditions(filter_)).order_by(*order.columns).limit(limit)
    if after:
        place = Place(after.lower(), after.lower()) if isinstance(after, str) else after
        query = query.where(order.is_after(place))
    return [device_of(row) for row in session.connection().execute(query).all()]


_LISTED = select(Device.__table__)  # as one, which costs half of naming each column


@dual_read
def ids(session: Session, /, filter_: str = "") -> Sequence[str]:
    """Those of the devices that a filter chooses, in the order of their names. Raises FilterNotValid."""
    chosen = select(Device.id).where(*MEANING.conditions(filter_)).order_by(Device.called)
    return session.scalars(chosen).all()


@dual_read
def count(session: Session, /, filter_: str = "") -> int:
    """How many devices a filter chooses. Raises FilterNotValid."""
    chosen = select(func.count()).select_from(Device).where(*MEANING.conditions(filter_))
    return session.scalar(chosen) or 0


@dual_read
def tags(session: Session, /) -> list[TagFigures]:
    """Every tag that a device has, by name."""
    found: Counter[str] = Counter()
    for text, devices in session.execute(select(Device.tags, func.count()).group_by(Device.tags)):
        found.update(dict.fromkeys(decode_tags(text), devices))
    return [TagFigures(tag, devices) for tag, devices in sorted(found.items())]


def row_of(session: Session, name: str, *, for_update: bool = False) -> Device:
    """The row of a device, by its name or id. Raises DeviceNotFound."""
    query = select(Device).where(Device.called == name.lower())
    row = session.scalar(query.with_for_update() if for_update else query)
    return by_id(session, Device, name, CALLED) if row is None else row


def rows_named(session: Session, names: Iterable[str]) -> dict[str, Device]:
    """The rows of these names, by the name in lower case."""
    wanted = sorted({name.lower() for name in names})
    found: dict[str, Device] = {}
    for start in range(0, len(wanted), 500):
        query = select(Device).where(Device.called.in_(wanted[start : start + 500]))
        found |= {row.name.lower(): row for row in session.scalars(query)}
    return found


@dual
def add(session: Session, /, row: Device) -> None:
    """Store a new device. Raises DeviceExists."""
    session.add(row)
    try:
        session.flush()
    except IntegrityError:
        raise DeviceExists(f"There is a device {row.name} already.") from None


@dual
def remove(session: Session, /, device_id: str) -> None:
    """Delete a device."""
    session.execute(delete(Device).where(Device.id == device_id))


@dual
def note_backup(
    session: Session,
    /,
    device_id: str,
    status: BackupStatus,
    at_us: int,
    error: str = "",
    facts: Mapping[str, str] | None = None,
) -> None:
    """Store what came of a device's last backup, and what it has just said of itself."""
    known = {key: value[:LONGEST_WORD] for key, value in (facts or {}).items() if key in FACTS}
    values = {"id": device_id, "status": status, "at": at_us, "error": error[:LONGEST_ERROR], **known}
    how = _FAILED if status == "failed" else _DONE
    said = "".join(f", {key} = :{key}" for key in sorted(known))
    sql.run(session.connection(), _NOTE_BACKUP.format(how=how, said=said), values)


@dual
def note_seen(session: Session, /, device_id: str, at_us: int) -> None:
    """Store that a device has let somebody in."""
    sql.run(
        session.connection(),
        "UPDATE device SET last_seen_us = :at WHERE id = :id",
        {"at": at_us, "id": device_id},
    )


_NOTE_BACKUP = """
    UPDATE device SET last_backup = :status, last_backup_us = :at, last_backup_error = :error, {how}{said}
    WHERE id = :id"""
_DONE = "failed_in_row = 0, last_seen_us = :at"
_FAILED = "failed_in_row = failed_in_row + 1"


@dual_read
def known_hosts(session: Session, /, hosts: Collection[str]) -> dict[tuple[str, int], set[str]]:
    """The keys by which these hosts are known, by host and port."""
    table = DeviceHostKey
    query = select(table.host, table.port, table.key)
    if len(hosts) < MANY:
        query = query.where(table.host.in_(sorted(hosts)))
    found: dict[tuple[str, int], set[str]] = {}
    for host, port, key in session.execute(query):
        found.setdefault((host, port), set()).add(key)
    return found


@dual_read
def host_keys(session: Session, /, host: str, port: int) -> frozenset[str]:
    """The keys by which a host is known."""
    query = select(DeviceHostKey.key).where(DeviceHostKey.host == host, DeviceHostKey.port == port)
    return frozenset(session.scalars(query))


@dual
def add_host_key(session: Session, /, host: str, port: int, key: str) -> None:
    """Know a host by this key, too."""
    values = {"host": host, "port": port, "key": key, "trusted": now_us()}
    sql.run(session.connection(), _ADD_HOST_KEY, values)


_ADD_HOST_KEY = """
    INSERT INTO device_host_key (host, port, key, trusted_us) VALUES (:host, :port, :key, :trusted)
    ON CONFLICT (host, port, key) DO UPDATE SET trusted_us = excluded.trusted_us"""


@dual
def remove_host_keys(session: Session, /, host: str, port: int | None = None) -> int:
    """Know a host by no key any more, on one port or on all; how many there were."""
    query = delete(DeviceHostKey).where(DeviceHostKey.host == host)
    if port is not None:
        query = query.where(DeviceHostKey.port == port)
    gone: Sequence[str] = session.scalars(query.returning(DeviceHostKey.key)).all()
    return len(gone)

"""`rookery devices list|show|tags`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import (
    Column,
    Styled,
    emit_json,
    emit_list,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from datetime import datetime

    from rookery.app import Rook
    from rookery.domains.devices.document import DeviceInfo

NONE_YET = "No devices yet. Add one: rookery devices add r1 10.0.0.1 --platform ios"
COLUMNS = (
    Column("name", whole=True),
    Column("address", whole=True),
    Column("platform", whole=True),
    Column("tags"),
    Column("site", spare=True),
    Column("role", spare=True),
    Column("model", spare=True),
    Column("last backup", whole=True),
)
STYLES = {"failed": "bold red", "changed": "yellow"}


@click.command("list")
@click.argument("filter_", metavar="[FILTER]…", nargs=-1)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many."
)
@json_option
@pass_rook
def list_(rook: Rook, filter_: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """Show devices, by name.

    FILTER chooses, as in 'tag:core platform:ios -site:lab backed>7d': quote it for your shell. What can be
    asked is in docs/reference/filters.md.
    """
    wanted = " ".join(filter_)
    found = rook.devices.list(wanted, limit=limit)
    if as_json:
        emit_list(found)
        return
    table(COLUMNS, map(_line, found), empty="No device fits." if wanted else NONE_YET)
    if len(found) == limit and (total := rook.devices.count(wanted)) > limit:
        note(f"{total - limit} more: --limit {total}")


def _line(device: DeviceInfo) -> list[object]:
    name = device.name if device.is_enabled else f"{device.name} (disabled)"
    tags = " ".join(tag for tag in device.tags if tag != "default")
    status = Styled(last_backup(device), STYLES.get(device.last_backup or "", ""))
    return [name, address(device), device.platform, tags, device.site, device.role, device.model, status]


def address(device: DeviceInfo) -> str:
    """Where a device is; the port only where it is not the usual one."""
    if device.port == {"ssh": 22, "telnet": 23}[device.transport]:
        return device.address
    host = f"[{device.address}]" if ":" in device.address else device.address
    return f"{host}:{device.port}"


def last_backup(device: DeviceInfo) -> str:
    """What the last backup was, and when."""
    if device.last_backup is None:
        return "never"
    return f"{device.last_backup} {_minute(device.last_backup_at)}"


def _minute(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


@click.command("show")
@click.argument("name")
@json_option
@pass_rook
def show(rook: Rook, name: str, *, as_json: bool) -> None:
    """Show all that is known of one device, by its name or the beginning of its id."""
    device = rook.devices.get(name)
    if as_json:
        emit_json(device)
        return
    for title, value in _lines(device):
        if value not in (None, ""):
            click.echo(f"{title:<14} {printable(value)}")


def _lines(device: DeviceInfo) -> list[tuple[str, object]]:
    return [
        ("name", device.name),
        ("id", device.id),
        ("address", address(device)),
        ("platform", device.platform),
        ("transport", device.transport),
        ("through", device.jump),
        ("tags", " ".join(device.tags)),
        ("site", device.site),
        ("role", device.role),
        ("model", device.model),
        ("serial", device.serial),
        ("version", device.version),
        ("enabled", "yes" if device.is_enabled else "no"),
        ("old algorithms", "allowed" if device.allows_legacy else ""),
        ("host key", device.trust if device.trust != "first-use" else ""),
        ("last seen", _minute(device.last_seen)),
        ("last backup", last_backup(device)),
        ("", device.last_backup_error),
        ("added", f"{_minute(device.created)} by {device.created_by}"),
        ("notes", device.notes),
    ]


@click.command("tags")
@json_option
@pass_rook
def tags(rook: Rook, *, as_json: bool) -> None:
    """Show every tag, and how many devices have it."""
    found = rook.devices.tags()
    if as_json:
        emit_list([figures._asdict() for figures in found])
        return
    table(["tag", Column("devices", right=True)], found, empty=NONE_YET)

"""`rookery devices add|update|remove|tag|untag|forget-key`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from rookery.domains.devices.cli.reading import address
from rookery.faces.cli.asking import agreed
from rookery.faces.cli.output import emit_json, json_option, note, pass_rook

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.devices.document import DeviceInfo

PARTS = (
    click.option("--port", type=click.IntRange(1, 65_535), help="22 for SSH, 23 for Telnet unless given."),
    click.option(
        "--transport", type=click.Choice(["ssh", "telnet"]), help="How it is reached; ssh unless given."
    ),
    click.option("--site", metavar="TEXT", help="Where it stands."),
    click.option("--role", metavar="TEXT", help="What it is there for."),
    click.option("--notes", metavar="TEXT", help="Whatever is worth knowing."),
    click.option("--jump", metavar="USER@HOST[:PORT]", help="Go through this host."),
    click.option("--legacy/--no-legacy", "allows_legacy", default=None, help="Allow old, weak algorithms."),
    click.option(
        "--trust",
        type=click.Choice(["first-use", "strict", "off"]),
        help="Trust its first host key (the default), only known ones, or any.",
    ),
    click.option("--enabled/--disabled", "enabled", default=None, help="Whether it is backed up."),
)


def part_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The parts of a device that are not asked for by themselves."""
    for option in reversed(PARTS):
        command = option(command)
    return command


@click.command("add")
@click.argument("name")
@click.argument("address", required=False)
@click.option("--platform", required=True, metavar="NAME", help="Its kind: rookery platforms list.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag; may be repeated.")
@part_options
@json_option
@pass_rook
def add(
    rook: Rook,
    /,
    name: str,
    address: str | None,
    platform: str,
    tags: tuple[str, ...],
    *,
    as_json: bool,
    **parts: Any,
) -> None:
    """Add a device.

    Without ADDRESS its NAME is looked up in DNS. For example: rookery devices add r1 10.0.0.1 --platform ios
    --tag core
    """
    made = rook.devices.create(name, address or name, platform, tags=tags, **_said(parts))
    _show(made, f"Added. Back it up: rookery backup {made.name}", as_json=as_json)


@click.command("update")
@click.argument("name")
@click.option("--rename", metavar="NAME", help="Another name.")
@click.option("--address", metavar="ADDRESS", help="Another address.")
@click.option("--platform", metavar="NAME", help="Another kind.")
@part_options
@json_option
@pass_rook
def update(rook: Rook, /, name: str, rename: str | None, *, as_json: bool, **parts: Any) -> None:
    """Change a device.

    What is not given stays as it is.
    """
    changes = _said({**parts, "name": rename})
    if not changes:
        raise click.UsageError("Say what is to change: rookery devices update --help lists what can.")
    _show(rook.devices.update(name, **changes), "Changed.", as_json=as_json)


@click.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def remove(rook: Rook, name: str, *, yes: bool) -> None:
    """Forget a device."""
    device = rook.devices.get(name)
    agreed(yes, f"Forget {device.name} ({device.address})?")
    rook.devices.delete(device.id)
    note(f"{device.name} is forgotten.")


@click.command("tag")
@click.argument("name")
@click.argument("tags", nargs=-1, required=True)
@pass_rook
def tag(rook: Rook, name: str, tags: tuple[str, ...]) -> None:
    """Give a device these tags, too."""
    note(f"Tags of {name}: {' '.join(rook.devices.add_tags(name, tags).tags)}")


@click.command("untag")
@click.argument("name")
@click.argument("tags", nargs=-1, required=True)
@pass_rook
def untag(rook: Rook, name: str, tags: tuple[str, ...]) -> None:
    """Take these tags from a device; `default` stays."""
    note(f"Tags of {name}: {' '.join(rook.devices.remove_tags(name, tags).tags)}")


@click.command("forget-key")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_rook
def forget_key(rook: Rook, name: str, *, yes: bool) -> None:
    """Trust the next host key that a device shows.

    For one that was replaced: whoever stands in between would be trusted, too.
    """
    device = rook.devices.get(name)
    agreed(yes, f"Trust whatever key {address(device)} shows next?")
    count = rook.devices.forget_host_keys(device.address, device.port)
    note(f"{count} forgotten." if count else f"No host key of {device.name} is known.")


def _said(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None}


def _show(device: DeviceInfo, said: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(device)
        return
    note(f"{device.name}: {device.platform} at {address(device)}. {said}")

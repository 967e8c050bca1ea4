"""`rookery notifications history|test|kinds`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rookery.faces.cli.output import (
    Column,
    Styled,
    emit_list,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.notifications.document import NotificationInfo

COLUMNS = (
    Column("when", whole=True),
    Column("status", whole=True),
    Column("what", cut=True),
    Column("times", right=True, whole=True),
    Column("to", whole=True),
    Column("rule", spare=True),
    Column("why", spare=True),
)
STYLES = {"failed": "red", "waiting": "yellow"}


@click.command("history")
@click.option("--channel", metavar="NAME", help="Only over this one.")
@click.option("--rule", metavar="NAME", help="Only for this one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@click.option("--before", metavar="ID", help="For the next page: the last id of this one.")
@json_option
@pass_rook
def history(
    rook: Rook,
    *,
    channel: str | None,
    rule: str | None,
    limit: int,
    before: str | None,
    as_json: bool,
) -> None:
    """Show what was told and is to be, newest first.

    What has failed is sent again by: rookery tasks retry TASK, which --json shows.
    """
    found = rook.notifications.history(channel=channel, rule=rule, limit=limit, before=before)
    if as_json:
        emit_list(found, found[-1].id if len(found) == limit else None)
        return
    table(COLUMNS, map(_line, found), empty="Nothing has been told yet.")


def _line(each: NotificationInfo) -> list[object]:
    status = Styled(each.status, STYLES.get(each.status, ""))
    why = each.error or (f"due {each.due:%m-%d %H:%M}" if each.status == "waiting" else "")
    rule = each.rule or "(test)"
    return [f"{each.born:%Y-%m-%d %H:%M}", status, each.title, each.count, each.channel, rule, why]


@click.command("test")
@click.argument("channel")
@pass_rook
def test(rook: Rook, channel: str) -> None:
    """Send a test over CHANNEL now."""
    rook.notifications.test(channel)
    note(f"Sent over {printable(channel)}: look whether it has arrived.")


@click.command("kinds")
@json_option
def kinds(*, as_json: bool) -> None:
    """Show of what a rule may tell."""
    from rookery.domains.notifications.rules import KINDS

    if as_json:
        emit_list({"kind": kind, "description": said} for kind, said in KINDS.items())
        return
    table([Column("kind", whole=True), "what has happened"], KINDS.items())

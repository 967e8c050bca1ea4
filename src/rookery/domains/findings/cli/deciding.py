"""`rookery findings triage`, `assign`, `note` and `tag`: on named findings, or all that a filter chooses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from rookery.domains.findings.cli.reading import show_rows
from rookery.faces.cli.output import emit_json, json_option, note, pass_rook, printable

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.findings.service import DecisionOutcome

STATES = ("open", "triaged", "false_positive", "risk_accepted", "fixed", "out_of_scope")
PREVIEWED = 10


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that say which findings are meant; the command is given `chosen`, a filter."""

    @click.argument("ids", metavar="[ID]…", nargs=-1)
    @click.option("--filter", "filter_", metavar="FILTER", help="All that this filter chooses.")
    @click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can be asked.")
    @json_option
    @pass_rook
    def chosen_for(
        rook: Rook, /, ids: tuple[str, ...], filter_: str | None, *, yes: bool, as_json: bool, **options: Any
    ) -> Any:
        if bool(ids) == (filter_ is not None):
            raise click.UsageError("Name findings by their ids, or choose them with --filter.")
        chosen = (
            filter_ if filter_ is not None else f"id:{','.join(rook.findings.get(id_).id for id_ in ids)}"
        )
        if filter_ is not None and not yes:
            _confirm(rook, chosen)
        return command(rook, chosen, as_json=as_json, **options)

    chosen_for.__doc__ = command.__doc__
    return chosen_for


def _confirm(rook: Rook, chosen: str) -> None:
    """Show what a filter chooses, and ask."""
    from rookery.domains.findings.document import as_json as document

    rows = [document(finding) for finding in rook.findings.list(filter_=chosen, limit=PREVIEWED)]
    total = rook.findings.count(filter_=chosen)
    if total and not sys.stdin.isatty():
        raise click.UsageError(f"The filter chooses {total} finding(s): add --yes to go on.")
    show_rows(rows, empty="No finding fits.")
    if total > len(rows):
        note(f"… and {total - len(rows)} more")
    if total and not click.confirm(f"Change {total} finding(s)?", err=True):
        raise click.Abort


def _report(outcome: DecisionOutcome, what: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(outcome)
        return
    note(f"{what}: {outcome.changed} of {outcome.chosen} finding(s).")
    for state, count in outcome.left.items():
        note(f"Left as they are: {count} that are {state}, from where this state is not reached.")


@click.command("triage")
@click.option("--state", required=True, type=click.Choice(STATES), help="What became of them.")
@click.option("--reason", default="", help="Why; needed for what is dismissed.")
@click.option("--until", default="", metavar="DAY", help="For risk_accepted: 2027-01-31, or 90d from now.")
@choosing
def triage(rook: Rook, chosen: str, *, state: str, reason: str, until: str, as_json: bool) -> None:
    """Decide about findings: bring them to another state.

    What is false_positive, risk_accepted or out_of_scope stays so when it is seen again, until the time is
    over; it is marked for review when what was read from the answer, or the template, changes.
    """
    from rookery.domains.findings.rules import State

    outcome = rook.findings.triage(chosen, State(state), reason=reason, until=until)
    _report(outcome, state.replace("_", " "), as_json=as_json)


@click.command("assign")
@click.option("--to", "owner", required=True, metavar="WHO", help='Who takes care of them; "" is nobody.')
@choosing
def assign(rook: Rook, chosen: str, *, owner: str, as_json: bool) -> None:
    """Give findings to somebody."""
    outcome = rook.findings.assign(chosen, owner)
    _report(outcome, f"Given to {printable(owner) or 'nobody'}", as_json=as_json)


@click.command("note")
@click.option("--text", required=True, help="What to remember.")
@choosing
def note_(rook: Rook, chosen: str, *, text: str, as_json: bool) -> None:
    """Write a note into the history of findings."""
    _report(rook.findings.note(chosen, text), "Noted", as_json=as_json)


@click.command("tag")
@click.option("--add", multiple=True, metavar="TAG", help="Add this tag; may be repeated.")
@click.option("--remove", multiple=True, metavar="TAG", help="Remove this tag; may be repeated.")
@choosing
def tag(rook: Rook, chosen: str, *, add: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    """Add and remove tags of your own; those of the template stay."""
    _report(rook.findings.label(chosen, add=add, remove=remove), "Tagged", as_json=as_json)

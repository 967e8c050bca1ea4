"""`rookery audit`: list, show, verify, export, prune."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from rookery.faces.cli.asking import Moment, agreed
from rookery.faces.cli.output import (
    Column,
    emit_json,
    emit_jsonl,
    emit_list,
    json_option,
    note,
    pass_rook,
    printable,
    table,
)

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.audit.keys import Keyring
    from rookery.domains.audit.rules import AuditEntry
    from rookery.domains.audit.verdict import Verification

COLUMNS = (
    Column("no", right=True, whole=True),
    Column("time (utc)", whole=True),
    Column("event", whole=True),
    Column("actor", cut=True),
    Column("object", cut=True),
    Column("id", spare=True),
)
EMPTY = "No entries. Every change is recorded here; `rookery scope add` would be one."


@click.group()
def audit() -> None:
    """Who did what, when; and proof that nobody has changed it."""


@audit.command("list")
@click.option("--type", "event_type", metavar="TYPE", help="Only events of this type, such as scan.started.")
@click.option("--actor", metavar="NAME", help="Only what this actor did.")
@click.option("--object", "object_", metavar="NAME", help="Only what was done to this object.")
@click.option("--since", type=Moment(), help="Only from this time on.")
@click.option("--until", type=Moment(), help="Only before this time.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, metavar="N")
@click.option("--before", type=int, metavar="POSITION", help="The next page: what is older than this entry.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="One JSON document per line.")
@json_option
@pass_rook
def list_(
    rook: Rook,
    /,
    *,
    object_: str | None,
    limit: int,
    before: int | None,
    as_json: bool,
    as_jsonl: bool,
    **given: Any,
) -> None:
    """The newest entries first."""
    wanted = {name: value for name, value in {**given, "object": object_}.items() if value is not None}
    entries = rook.audit.list(fresh=True, limit=limit, before=before, **wanted)
    if as_jsonl:
        emit_jsonl(map(document, entries))
    elif as_json:
        emit_list(map(document, entries), next_page=_next(entries, limit))
    else:
        table(COLUMNS, map(_cells, entries), empty="No entry fits." if wanted or before else EMPTY)
        if page := _next(entries, limit):
            note(f"More with --before {page}.")


@audit.command()
@click.argument("entry_id", metavar="ID|NO")
@json_option
@pass_rook
def show(rook: Rook, /, entry_id: str, *, as_json: bool) -> None:
    """One entry with its details, by its id or its position in the log."""
    shown = document(rook.audit.get(entry_id, fresh=True))
    if as_json:
        emit_json(shown)
        return
    details = shown.pop("details")
    for name, value in [*shown.items(), *((f"details.{key}", value) for key, value in details.items())]:
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        click.echo(f"{printable(name):16} {printable(text)}")


@audit.command()
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An exported log, instead of the stored one.",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PUB",
    help="The public key to trust, instead of those in the data directory.",
)
@json_option
def verify(file: Path | None, key: Path | None, *, as_json: bool) -> None:
    """Whether the log is what was written: exit status 1 and the first bad entry when it is not."""
    from rookery.domains.audit.errors import LogBroken

    verdict = _verified_file(file, key) if file else _verified_log(_given(key))
    if as_json:
        emit_json({"is_intact": verdict.is_intact, **_fields(verdict)})
    else:
        _tell(verdict)
    if not verdict.is_intact:
        first = verdict.problems[0]
        more = f" (and {verdict.problem_count - 1} more)" if verdict.problem_count > 1 else ""
        raise LogBroken(f"the audit log is not what was written: {first.message}{more}")


@audit.command()
@click.option(
    "-o", "--output", type=click.File("wb"), default="-", metavar="FILE", help="Instead of standard output."
)
@click.option("--jsonl", is_flag=True, help="Lines of JSON: the only format, and the default.")
@pass_rook
def export(rook: Rook, /, output: BinaryIO, *, jsonl: bool) -> None:  # noqa: ARG001  said for clarity's sake
    """Write the whole log so that it can be verified elsewhere, with the public key alone."""
    entries = rook.audit.service.export(output)
    note(f"{_entries(entries)}. Verify them anywhere: rookery audit verify --file FILE --key audit.pub")


@audit.command()
@click.option("--before", type=Moment(), required=True, help="Remove what is older.")
@click.option("--force", is_flag=True, help="Even when the log does not verify: it begins anew after that.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_rook
def prune(rook: Rook, /, before: datetime, *, force: bool, yes: bool, as_json: bool) -> None:
    """Remove the oldest entries for good; the rest stays verifiable, and the log says who did it."""
    agreed(yes, f"Remove audit entries older than {before.isoformat()} for good?")
    removed = rook.audit.prune(before, force=force)
    if as_json:
        emit_json({"removed": removed})
    else:
        note(f"{_entries(removed)} removed.")


def document(entry: AuditEntry) -> dict[str, Any]:
    """An entry as JSON shows it; times are RFC 3339, UTC."""
    return {
        "position": entry.position,
        "id": entry.id,
        "at": _time(entry.at_us),
        "event_type": entry.event_type,
        "actor": entry.actor,
        "object": entry.object,
        "request_id": entry.request_id,
        "hash": entry.hash,
        "details": entry.details,
    }


def _cells(entry: AuditEntry) -> tuple[object, ...]:
    time = _time(entry.at_us)[:19].replace("T", " ")
    return (entry.position, time, entry.event_type, entry.actor, entry.object, entry.id)


def _time(at_us: int) -> str:
    """RFC 3339, or the number itself where somebody has put one that is no time."""
    from rookery.base.clock import from_us

    try:
        return from_us(at_us).isoformat(timespec="microseconds")
    except OverflowError:
        return str(at_us)


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


def _next(entries: list[AuditEntry], limit: int) -> str | None:
    return str(entries[-1].position) if len(entries) == limit else None


def _given(key: Path | None) -> Keyring | None:
    from rookery.domains.audit.keys import Keyring, load_public

    return Keyring([load_public(key)]) if key else None


@pass_rook
def _verified_log(rook: Rook, /, keys: Keyring | None) -> Verification:
    return rook.audit.verify(keys)


def _verified_file(file: Path, key: Path | None) -> Verification:
    """By the given key, or those of this data directory, or (which proves less) those in the file."""
    from rookery.domains.audit.exporting import ExportedLog
    from rookery.domains.audit.keys import trusted_keys
    from rookery.domains.audit.verification import verify
    from rookery.faces.cli.output import current_shell

    exported = ExportedLog(file)
    keys = _given(key) or trusted_keys(current_shell().loaded.config.data_dir / "keys")
    if not len(keys):
        note(
            "No public key is trusted here: taking those in the file, whose maker may be anyone. Give --key."
        )
        keys = exported.keyring()
    return verify(exported, keys)


def _tell(verdict: Verification) -> None:
    head = f", head {verdict.head[:12]}…" if verdict.entries else ""
    signed = f", last signed {_time(verdict.signed_at_us)[:19]}Z" if verdict.signed_at_us else ""
    word = "intact" if verdict.is_intact else "NOT INTACT"
    click.echo(f"{word}: {_entries(verdict.entries)}{signed}{head}")
    for problem in verdict.problems:
        click.echo(f"  {problem.kind}: {printable(problem.message)}")
    for remark in verdict.notes:
        note(f"note: {remark}")


def _fields(verdict: Verification) -> dict[str, Any]:
    from msgspec.structs import asdict

    return asdict(verdict)

"""`rookery scan`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import click

from rookery.domains.scans.cli.detaching import detach
from rookery.domains.scans.cli.openapi import Api, api_options, say_what_is_missing
from rookery.domains.scans.cli.targets import inventory_option, listed, of_inventory
from rookery.domains.templates.options import NAMES as SELECTION
from rookery.domains.templates.options import SEVERITIES, NucleiOption, selection_options
from rookery.faces.cli.output import (
    SHOWN_ID,
    emit_json,
    json_option,
    note,
    pass_rook,
    printable,
)
from rookery.faces.cli.sections import SectionedCommand

if TYPE_CHECKING:
    from rookery.app import Rook
    from rookery.domains.scans.plan import ScanPlan, ScanResult
    from rookery.mechanisms.hooks import Hooks

SHOWN_REASONS = 8
FINDINGS = "; rookery findings list"
FAILED, PARTLY_FAILED, FOUND = 1, 4, 8


SECTIONS = {
    "Targets": ("project", "files", "devices", "openapi", *Api._fields, "resume"),
    "What to check": SELECTION,
    "How": ("engine", "rate_limit", "concurrency", "timeout", "detached", "priority"),
    "Output": ("as_json", "as_jsonl", "fail_on"),
}


@click.command(cls=SectionedCommand, sections=SECTIONS)
@click.argument("targets", nargs=-1, metavar="[TARGET]…")
@click.option("--project", metavar="NAME", help="Scan for this project; without a target, its endpoints.")
@click.option("-u", "--target", "more", cls=NucleiOption, multiple=True, hidden=True)  # as nuclei has them
@click.option(
    "--list",
    "files",
    cls=NucleiOption,
    also=("-l",),
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Targets, one per line; may be repeated.",
)
@inventory_option
@click.option("--openapi", metavar="FILE|URL", help="Scan each operation of this OpenAPI document.")
@api_options
@click.option(
    "--resume", cls=NucleiOption, metavar="RUN", help="Do what is left of a run that was broken off."
)
@selection_options
@click.option(
    "--rate-limit",
    cls=NucleiOption,
    also=("-rl",),
    type=click.FloatRange(0),
    help="Requests per second over all targets; 0: no limit.",
)
@click.option(
    "--concurrency",
    cls=NucleiOption,
    also=("-c",),
    type=click.IntRange(1, 10_000),
    help="Requests under way at a time.",
)
@click.option(
    "--timeout",
    cls=NucleiOption,
    type=click.FloatRange(0.1, 600),
    help="Seconds to wait for each answer.",
)
@click.option(
    "--engine",
    default="embedded",
    show_default=True,
    metavar="TOOL",
    help="What runs it: embedded, nuclei or nmap, or what else rookery tools list shows.",
)
@click.option(
    "--detach", "detached", is_flag=True, help="Leave it to a worker, and print the id of its task."
)
@click.option(
    "--priority",
    type=click.IntRange(1, 9),
    default=5,
    show_default=True,
    help="How soon a worker does it: 1 is first.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES, case_sensitive=False),
    help=f"Exit with {FOUND} when something this bad, or worse, was found that is not dismissed.",
)
@click.option(
    "--jsonl",
    "as_jsonl",
    cls=NucleiOption,
    also=("-j",),
    is_flag=True,
    help="One line of JSON for each finding, as it is found.",
)
@json_option
@pass_rook
def scan(
    rook: Rook,
    /,
    *,
    targets: tuple[str, ...],
    more: tuple[str, ...],
    files: tuple[Path, ...],
    devices: str | None,
    openapi: str | None,
    api: Api,
    project: str | None,
    resume: str | None,
    detached: bool,
    fail_on: str | None,
    as_jsonl: bool,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Check services for weaknesses, and keep what is found.

    TARGET is a URL, a host, host:port, the path of files (/…, ./…, ~/…), or - for one of these per line on
    standard input. Loopback may always be scanned; anything else must be in the scope (rookery scope add).
    """
    from rookery.domains.scans.cli.display import Display

    if as_json and as_jsonl:
        raise click.UsageError("--json and --jsonl exclude each other.")
    if resume:
        _refuse_another_plan(click.get_current_context())
    job: Job = (
        Resuming(resume, wanted["priority"])
        if resume
        else Submitting(_plan(rook, targets + more, files, devices, openapi, api, project, wanted))
    )
    if detached:
        detach(rook, job.leave, as_json=as_json)
        return
    with Display("jsonl" if as_jsonl else "json" if as_json else "lines") as display:
        result = job.run(rook, display.hooks)
    if as_json:
        emit_json({"items": display.rows, "next": None, "run": result})
    summarise(result)
    if seen := ", ".join(_count(count, kind) for kind, count in sorted(display.seen.items())):
        note(f"Beside findings: {seen}.")
    click.get_current_context().exit(_status(rook, result, fail_on))


def stands_for_many(endpoints: Sequence[str]) -> bool:
    """Whether they are stored configurations, of which each is better left to a task of its own."""
    from rookery.domains.scans.stored import is_stored

    if not all(map(is_stored, endpoints)):
        return False
    return len(endpoints) > 1 or any("*" in each or each.count(":") > 1 for each in endpoints)


class Job(Protocol):
    """A scan that can be done here and now, or by a worker."""

    def run(self, rook: Rook, hooks: Hooks) -> ScanResult:
        """Do it to its end."""
        ...

    def leave(self, rook: Rook) -> str:
        """Leave it to a worker; the id of the task."""
        ...


class Submitting(NamedTuple):
    """The scan of a plan."""

    plan: ScanPlan

    def run(self, rook: Rook, hooks: Hooks) -> ScanResult:
        return rook.scans.submit_scan(self.plan, hooks=hooks)

    def leave(self, rook: Rook) -> str:
        if stands_for_many(self.plan.endpoints):
            return rook.scans.check_devices(self.plan)
        return rook.scans.submit_scan_async(self.plan)


class Resuming(NamedTuple):
    """What is left of a run."""

    run_id: str
    priority: int

    def run(self, rook: Rook, hooks: Hooks) -> ScanResult:
        return rook.scans.resume_scan(self.run_id, hooks=hooks)

    def leave(self, rook: Rook) -> str:
        return rook.scans.resume_scan_async(self.run_id, priority=self.priority)


def _refuse_another_plan(context: click.Context) -> None:
    """A resumed run has its plan: whatever else would be said of one is not heard, so it is refused."""
    heard = {"resume", "detached", "priority", *SECTIONS["Output"]}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in heard and source is click.core.ParameterSource.COMMANDLINE:
            given = parameter.opts[0] if isinstance(parameter, click.Option) else "targets"
            raise click.UsageError(f"--resume goes on with the plan of its run: leave out {given}.")


def _plan(
    rook: Rook,
    targets: tuple[str, ...],
    files: tuple[Path, ...],
    devices: str | None,
    openapi: str | None,
    api: Api,
    project: str | None,
    wanted: dict[str, Any],
) -> ScanPlan:
    from rookery.domains.scans.plan import ScanPlan

    endpoints = [*listed(targets, files), *of_inventory(rook, devices)]
    endpoints += _operations(rook, openapi, api) if openapi else ()
    if (targets or files or openapi) and not endpoints:
        raise click.UsageError("There is no target in what was given.")
    return ScanPlan(
        endpoints=tuple(endpoints),
        project_id=project or "default",
        selection=wanted.pop("selector"),
        **wanted,
    )


def _operations(rook: Rook, source: str, api: Api) -> list[str]:
    found = rook.projects.read_openapi(source, server=api.server, filling=api.filling())
    say_what_is_missing(found, api)
    return [each.address for each in found.complete]


def _status(rook: Rook, result: ScanResult, fail_on: str | None) -> int:
    if fail_on and _found(rook, result, SEVERITIES[SEVERITIES.index(fail_on.lower()) :]):
        return FOUND
    if not result.success:
        return FAILED
    return PARTLY_FAILED if result.error_count else 0


def _found(rook: Rook, result: ScanResult, words: Sequence[str]) -> bool:
    """Whether anything of these severities was found that nobody has dismissed."""
    found = sum(result.severities.get(word, 0) for word in words)
    dismissed = f"sev:{','.join(words)} state:false_positive,risk_accepted,out_of_scope"
    return found > 0 and found > rook.findings.count(dismissed, run_id=result.run_id)


def summarise(result: ScanResult) -> None:
    """Say what was done, found and left out, on standard error."""
    by_severity = [
        f"{result.severities[word]} {word}" for word in reversed(SEVERITIES) if word in result.severities
    ]
    found = _count(result.finding_count, "finding") + (f" ({', '.join(by_severity)})" if by_severity else "")
    done = f"{_count(result.endpoint_count, 'target')}"
    if result.template_count or result.request_count:  # there are tools that have neither
        done += f", {_count(result.template_count, 'template')}, {_count(result.request_count, 'request')}"
    note(f"{done} in {result.duration_ms / 1000:.1f} s: {found}.")
    for reason, count in list(result.skipped.items())[:SHOWN_REASONS]:
        note(f"Left out: {_count(count, 'template')}: {printable(reason)}")
    if len(result.skipped) > SHOWN_REASONS:
        note(f"… and for {len(result.skipped) - SHOWN_REASONS} more reasons, which --json lists")
    unsure = result.coverage.get("error", 0) + result.coverage.get("skipped", 0)
    if unsure:
        sought = "it looks" if unsure == 1 else "they look"
        note(f"{_count(unsure, 'check')} came to no end, so what {sought} for may be there all the same.")
    if result.error:
        note(f"No success: {printable(result.error)}")
    if result.error_count:
        note(f"{_count(result.error_count, 'error')}.")
    note(f"More: rookery runs show {result.run_id[:SHOWN_ID]}{FINDINGS if result.finding_count else ''}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

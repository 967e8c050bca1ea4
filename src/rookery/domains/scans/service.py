"""What scans do: keep the scope, run a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from rookery.base.config import Scan as Limits
from rookery.domains.findings.hooks import recording
from rookery.domains.scans import store
from rookery.domains.scans.errors import BadTarget, NothingToScan, TargetOutOfScope
from rookery.domains.scans.events import ScanFinished, ScanRefused, ScanStarted, ScopeAdded, ScopeRemoved
from rookery.domains.scans.models import ScopeEntry
from rookery.domains.scans.plan import ScanPlan, ScanResult
from rookery.domains.scans.scope import Scope, host_of, parse_entry, parse_target
from rookery.mechanisms.dual import dual
from rookery.mechanisms.hooks import Hooks, HookSettings, hooks_from, load_hooks
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.domains.scans.runner import TemplateRunner


@dual
def add_to_scope(rook: Rook, /, entry: str) -> ScopeEntry:
    """Allow an address, a network or a name to be scanned. Raises BadScopeEntry, AlreadyInScope."""
    canonical = parse_entry(entry)
    with rook.transaction() as session:
        added = store.add_scope_entry(session, canonical, added_by=rook.actor)
        rook.emit(ScopeAdded(canonical))
    return added


@dual
def remove_from_scope(rook: Rook, /, entry: str) -> None:
    """Allow it no longer. Raises BadScopeEntry, NotInScope."""
    canonical = parse_entry(entry)
    with rook.transaction() as session:
        store.remove_scope_entry(session, canonical)
        rook.emit(ScopeRemoved(canonical))


@dual
def run(rook: Rook, /, plan: ScanPlan, *, hooks: Hooks | None = None) -> ScanResult:
    """Run a plan to its end; findings and the run are stored when it returns.

    The configured hooks hear everything first, and may change or drop it; then it is queued for storage;
    then `hooks` hear it. Raises BadTarget, TargetOutOfScope, NothingToScan or TemplatesNotFound before
    anything is sent. What goes wrong at a target is in the result. When interrupted or cancelled, what was
    found until then is stored, and the interruption goes on.
    """
    runner = _runner(rook, _with_full_urls(plan), hooks or Hooks())
    _begin(rook, runner)
    try:
        rook.wait_for(runner.arun)
    finally:
        result = _end(rook, runner)
    return result


def _with_full_urls(plan: ScanPlan) -> ScanPlan:
    if not plan.endpoints:
        raise BadTarget("There is nothing to scan: give at least one http:// or https:// URL.")
    endpoints = dict.fromkeys(parse_target(endpoint) for endpoint in plan.endpoints)
    return replace(plan, endpoints=tuple(endpoints))


def _limits(plan: ScanPlan, configured: Limits) -> Limits:
    """What the plan says, and what is configured where it says nothing."""
    said = {name: getattr(plan, name) for name in Limits.__struct_fields__}
    return replace(configured, **{name: value for name, value in said.items() if value is not None})


def _runner(rook: Rook, plan: ScanPlan, hooks: Hooks) -> TemplateRunner:
    from rookery.domains.scans.runner import TemplateRunner  # the engine takes 0.1 s to import

    with rook.reading() as session:
        entries = [row.entry for row in store.scope_entries(session)]
    _refuse_strangers(rook, plan.endpoints, Scope(entries))
    configured = rook.config.hooks
    settings = HookSettings(configured.pool_size, configured.batch_size, configured.batch_interval)
    heard = Hooks()
    for module in configured.modules:
        heard += rook.offload(load_hooks, module)
    spool = rook.data_dir / "spool" / "hooks"
    runner = TemplateRunner(
        plan,
        entries,
        _limits(plan, rook.config.scan),
        hooks=heard + recording(rook.engine),
        settings=settings,
        spool=spool,
    )
    runner.hooks += hooks_from({"on_item": runner.count}) + hooks
    rook.offload(lambda: runner.selection)
    if not runner.selection.templates:
        raise NothingToScan(_why_nothing(runner))
    return runner


def _refuse_strangers(rook: Rook, endpoints: Sequence[str], scope: Scope) -> None:
    refused = [endpoint for endpoint in endpoints if not scope.admits(host_of(endpoint))]
    if refused:
        rook.emit(ScanRefused(tuple(refused)))
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise TargetOutOfScope(
            f"{refused[0]}{more} is not in the scope. If it is yours to scan: "
            f"rookery scope add {host_of(refused[0])}"
        )


def _why_nothing(runner: TemplateRunner) -> str:
    listed = "; ".join(f"{count} × {reason}" for reason, count in list(runner.skipped.items())[:3])
    return f"No template is left to run{f': {listed}' if listed else ''}."


def _begin(rook: Rook, runner: TemplateRunner) -> None:
    count = len(runner.selection.templates)
    with rook.transaction() as session:
        store.begin_run(
            session, runner.run_id, actor=rook.actor, targets=runner.targets, template_count=count
        )
        rook.emit(ScanStarted(runner.run_id, runner.targets, count))


def _end(rook: Rook, runner: TemplateRunner) -> ScanResult:
    result = _result(runner)
    with rook.transaction() as session:
        store.end_run(
            session,
            runner.run_id,
            status=_status(runner),
            counts={"requests": result.request_count, "findings": result.finding_count, **result.severities},
            errors=runner.errors,
        )
        rook.emit(
            ScanFinished(runner.run_id, _status(runner), result.finding_count, error_count=result.error_count)
        )
    return result


def _status(runner: TemplateRunner) -> str:
    if runner.summary is None:
        return "failed"
    return "interrupted" if runner.summary.status == "interrupted" else "completed"


def _trouble(runner: TemplateRunner) -> str:
    """Why the scan as a whole did not succeed; nothing when it did."""
    if _status(runner) != "completed":
        return f"The run was {_status(runner)}."
    return "No target gave an answer." if runner.unreached_count == len(runner.targets) else ""


def _result(runner: TemplateRunner) -> ScanResult:
    summary, trouble = runner.summary, _trouble(runner)
    return ScanResult(
        run_id=runner.run_id,
        success=not trouble,
        endpoint_count=len(runner.targets),
        unreached_count=runner.unreached_count,
        template_count=len(runner.selection.templates),
        request_count=runner.request_count,
        finding_count=runner.severities.total(),
        severities=dict(runner.severities),
        skipped=runner.skipped,
        errors=summary.messages if summary else (),
        error_count=summary.errors if summary else 0,
        duration_ms=round(summary.duration * 1000) if summary else 0,
        error=trouble,
    )

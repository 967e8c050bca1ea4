"""From a plan to a run that could begin: its targets in full and in the scope, its tool found and made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from rookery.base.config import Scan as Limits
from rookery.domains.findings.hooks import recording
from rookery.domains.findings.mongodb.hook import copying
from rookery.domains.scans import store
from rookery.domains.scans.artifacts import keeping
from rookery.domains.scans.endpoints import host_of, is_path, parse_endpoint
from rookery.domains.scans.errors import BadTarget, TargetOutOfScope, ToolUnusable
from rookery.domains.scans.events import ScanRefused
from rookery.domains.scans.folders import RunFolder, check_run_id
from rookery.domains.scans.plan import ScanPlan, checked
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.service.running import Prepared
from rookery.domains.scans.tools import Availability, Tool, ToolJob, availability, find
from rookery.domains.scans.tools.running import ScanRunner
from rookery.domains.templates import places
from rookery.mechanisms.hooks import Hooks, HookSettings, Warning_, hooks_from, load_hooks
from rookery.mechanisms.rook import Rook

if TYPE_CHECKING:
    from rookery.mechanisms.tasks.context import TaskContext

NOTHING = "There is nothing to scan: give a URL, host or path, or a project that has endpoints."


def canonical(rook: Rook, plan: ScanPlan) -> ScanPlan:
    """The plan with full URLs and absolute paths: it can be run again from anywhere."""
    plan = checked(plan)
    if plan.run_id:
        check_run_id(plan.run_id)
    given = plan.endpoints or [each.address for each in store.endpoints(rook, plan.project_id)]
    if not given:
        raise BadTarget(NOTHING)
    store.get_project(rook, plan.project_id)
    in_full = getattr(rook.offload(find, plan.engine), "endpoint", _target)
    endpoints = tuple(dict.fromkeys(in_full(endpoint) for endpoint in given))
    templates = rook.offload(_whole_paths, plan.templates, rook.data_dir)
    return replace(plan, endpoints=endpoints, templates=templates)


def _whole_paths(templates: Sequence[Path], data_dir: Path) -> tuple[Path, ...]:
    return tuple(path.absolute() for path in places.find(templates, data_dir))


def _target(endpoint: str) -> str:
    return parse_endpoint(endpoint).target


def prepared(rook: Rook, plan: ScanPlan, hooks: Hooks, task: TaskContext | None) -> Prepared:
    """A plan, ready to run: its tool is usable here, its targets are in the scope."""
    entries = tuple(row.entry for row in store.scope_entries(rook))
    refuse_strangers(rook, plan.endpoints, Scope(entries))
    limits = _limits(plan, rook.current_config().scan)
    tool, answer, remarks = _usable(rook, plan.engine, limits)
    plan = replace(plan, engine=tool.name)
    folder = RunFolder(rook.data_dir, plan.run_id)
    job = ToolJob(
        plan=plan,
        limits=limits,
        scope=entries,
        folder=folder.path,
        data_dir=rook.data_dir,
        policy=rook.config.templates,
        texts=rook.texts,
    )
    runner = rook.offload(partial(tool.runner, job, **_options(rook)))
    runner.run_id = runner.context["run_id"] = plan.run_id
    runner.hooks += hooks_from({"on_item": runner.count, "on_start": partial(_remark, remarks)}) + hooks
    return Prepared(plan, runner, folder, answer.version, task)


def _usable(rook: Rook, name: str, limits: Limits) -> tuple[Tool, Availability, str]:
    """The tool, or one that does the same work; its version, and why it is another. Raises ToolUnusable."""
    tool = rook.offload(find, name)
    answer = rook.offload(availability, tool, limits)
    if answer.is_available:
        return tool, answer, ""
    if not answer.instead:
        raise ToolUnusable(f"{name}: {answer.reason}")
    other = rook.offload(find, answer.instead)
    remark = f"{name} is not used: {answer.reason}. The {answer.instead} engine runs this scan."
    return other, rook.offload(availability, other, limits), remark


def _remark(remark: str, runner: ScanRunner) -> None:
    """A hook: what is to be said of the run before it begins."""
    if remark:
        runner.emit(Warning_(message=remark))


def _options(rook: Rook) -> dict[str, Any]:
    """What the runners of all tools are given."""
    configured = rook.config.hooks
    return {
        "hooks": _storing(rook),
        "settings": HookSettings(configured.pool_size, configured.batch_size, configured.batch_interval),
        "spool": rook.data_dir / "spool" / "hooks",
    }


def _storing(rook: Rook) -> Hooks:
    """The configured hooks, and behind them those that keep what these let through."""
    config, heard = rook.current_config(), Hooks()
    for module in rook.config.hooks.modules:
        heard += rook.offload(load_hooks, module)
    return (
        heard
        + recording(rook.engine, config.findings)
        + keeping(rook.data_dir, config.runs.max_bytes)
        + rook.offload(copying, rook.config.mongodb)
    )


def _limits(plan: ScanPlan, configured: Limits) -> Limits:
    """What the plan says, and what is configured where it says nothing."""
    said = {name: getattr(plan, name, None) for name in Limits.__struct_fields__}
    return replace(configured, **{name: value for name, value in said.items() if value is not None})


def refuse_strangers(rook: Rook, endpoints: Sequence[str], scope: Scope) -> None:
    """Raise TargetOutOfScope, and say so, where a host is not in the scope."""
    urls = (endpoint for endpoint in endpoints if not is_path(endpoint))
    refused = [url for url in urls if not scope.admits(host_of(url))]
    if refused:
        rook.emit(ScanRefused(tuple(refused)))
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise TargetOutOfScope(
            f"{refused[0]}{more} is not in the scope. If it is yours to scan: "
            f"rookery scope add {host_of(refused[0])}"
        )

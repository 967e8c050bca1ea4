"""Scans on a schedule: a plan that means the same whenever and wherever a worker runs it."""

from __future__ import annotations

from msgspec.structs import replace

from rookery.domains.scans import store as scans
from rookery.domains.scans.plan import ScanPlan
from rookery.domains.scans.scope import Scope
from rookery.domains.scans.service.preparing import canonical, refuse_strangers
from rookery.domains.schedules.errors import BadSchedule
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook


@dual
def lasting_plan(rook: Rook, /, plan: ScanPlan) -> ScanPlan:
    """The plan with full URLs and absolute paths, to be the payload of a schedule of `scans.run`.

    One without endpoints scans those that its project has when it runs. Raises what `submit_scan` raises
    about a plan, BadTarget, ProjectNotFound, TemplatesNotFound and TargetOutOfScope among others; and
    BadSchedule for one with a `run_id`, for that could run once.
    """
    if plan.run_id:
        raise BadSchedule("A plan with a run_id can be run once: leave it out, and each run gets its own.")
    in_full = canonical(rook, plan)
    refuse_strangers(rook, in_full.endpoints, Scope(row.entry for row in scans.scope_entries(rook)))
    return replace(in_full, endpoints=in_full.endpoints if plan.endpoints else ())

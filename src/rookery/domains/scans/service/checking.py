"""Checks of stored configurations, left to workers: a task for each device, below one that names them."""

from __future__ import annotations

from msgspec.structs import replace

from rookery.domains.scans.errors import BadPlan
from rookery.domains.scans.plan import ScanPlan, generate_task_key
from rookery.domains.scans.service.preparing import canonical
from rookery.domains.scans.service.queueing import RUN
from rookery.domains.scans.stored import FILE, is_stored, stored_files
from rookery.mechanisms.dual import dual
from rookery.mechanisms.rook import Rook
from rookery.mechanisms.tasks.service import submit_task

CHECK = "scans.check"


@dual
def check_devices(rook: Rook, /, plan: ScanPlan) -> str:
    """Have stored configurations scanned by workers, each by a task of its own; the id of the one above.

    Endpoints are `device:NAME`, `device:*` and `device:FILTER`; what these stand for is looked up when the
    task runs. While one for the same plan has not ended, it is that one's id. Raises BadPlan for a plan of
    anything else, and what `submit_scan` raises about a plan.
    """
    plan = checks_alone(canonical(rook, plan))
    key = f"{CHECK}:{generate_task_key(plan)}"
    return submit_task(rook, CHECK, plan, priority=plan.priority, idempotency_key=key)


def checks_alone(plan: ScanPlan) -> ScanPlan:
    """The plan, if it is of stored configurations alone, and of no one run. Raises BadPlan."""
    if plan.run_id:
        raise BadPlan("A plan with a run_id is one run: leave it out, and each device gets its own.")
    if not plan.endpoints or not all(map(is_stored, plan.endpoints)):
        raise BadPlan("A check is of stored configurations: device:NAME, device:* or device:FILTER.")
    return plan


def devices_of(rook: Rook, plan: ScanPlan) -> list[str]:
    """The targets of the plan, device by device. Raises FileUnreadable where there are none."""
    files = [file for endpoint in plan.endpoints for file in stored_files(endpoint, rook.texts)]
    return list(dict.fromkeys(file.removesuffix(FILE) for file in files))


def submit_check(rook: Rook, plan: ScanPlan, device: str, parent_id: str) -> str:
    """A task that checks one device, unless there is such a one."""
    one = replace(plan, endpoints=(device,))
    return submit_task(
        rook, RUN, one,
        priority=plan.priority, idempotency_key=generate_task_key(one), parent_id=parent_id,
    )  # fmt: skip

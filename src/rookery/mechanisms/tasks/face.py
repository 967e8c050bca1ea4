"""The verbs of tasks on a Rook: `rook.tasks.submit_task(…)`, and `await arook.tasks.submit_task(…)`."""

from __future__ import annotations

from rookery.mechanisms.face import Face, RookT, bound, bound_stream
from rookery.mechanisms.tasks import artifacts as files
from rookery.mechanisms.tasks import looking, service


class Tasks(Face[RookT]):
    """Long work that is done once, whatever happens."""

    submit_task = bound(service.submit_task)
    get_task = bound(service.get_task)
    get_task_status = bound(service.get_task_status)
    get_task_result = bound(service.get_task_result)
    list = bound(looking.list_)
    cancel_task = bound(service.cancel_task)
    retry_task = bound(service.retry_task)
    artifacts = bound(files.artifacts)
    read_artifact = bound_stream(files.read_artifact)
    prune_tasks = bound(service.prune_tasks)
    health = bound(service.health)

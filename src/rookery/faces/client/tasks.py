"""The verbs of tasks over the API."""

from __future__ import annotations

from rookery.faces.api.documents import Submitted
from rookery.faces.client.calls import Arguments, Calls, Streamed, at_home, get, pages, post, tuples
from rookery.faces.client.errors import OnlyAtHome
from rookery.faces.client.waiting import submits
from rookery.mechanisms.artifacts import Artifact
from rookery.mechanisms.tasks.looking import TaskInfo
from rookery.mechanisms.tasks.rules import TaskStatus

ONE = "/tasks/{task_id}"


def _task(arguments: Arguments) -> Arguments:
    if arguments.pop("session", None) is not None:
        raise OnlyAtHome("From afar a task is submitted in a transaction of its own.")
    return {name.removeprefix("task_"): value for name, value in arguments.items()}


def _listed(arguments: Arguments) -> Arguments:
    words = {"parent_id": "parent", "ids": "id"}
    return {words.get(name, name): value for name, value in arguments.items()}


CALLS: Calls = {
    "submit_task": submits(post, "/tasks", sent=_task),
    "get_task": get(ONE),
    "get_task_status": get(f"{ONE}/status", reads=dict[str, TaskStatus], then=lambda told: told["status"]),
    "get_task_result": get(ONE, reads=TaskInfo, then=lambda task: task.result),
    "list": pages("/tasks", sent=_listed),
    "cancel_task": post(f"{ONE}/cancel", reads=dict[str, bool], then=lambda told: told["cancelled"]),
    "retry_task": post(f"{ONE}/retry", reads=Submitted, then=lambda _: None),
    "artifacts": tuples(f"{ONE}/artifacts", Artifact),
    "read_artifact": Streamed(f"{ONE}/artifacts/{{name}}"),
    "prune_tasks": at_home,
    "health": get("/queue/health"),
}

"""The verbs of schedules over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rookery.faces.client.calls import (
    Arguments,
    Calls,
    Steps,
    at_home,
    delete,
    get,
    pages,
    patch,
    post,
    whole,
)
from rookery.faces.client.waiting import submits

ONE = "/schedules/{name}"
DUES = dict[str, list[datetime]]


def _preview(arguments: Arguments, answers: Any) -> Steps:
    """Of a schedule by its name, or of a timing that is none yet."""
    what = arguments.pop("what")
    if isinstance(what, str):
        ask = get(f"{ONE}/next", reads=DUES)
        told = yield from ask({"name": what} | arguments, answers)
    else:
        told = yield from post("/schedules/preview", reads=DUES)({"timing": what} | arguments, answers)
    return told["dues"]


CALLS: Calls = {
    "list": pages("/schedules"),
    "get": get(ONE),
    "create": post("/schedules"),
    "update": patch(ONE),
    "enable": post(f"{ONE}/enable"),
    "disable": post(f"{ONE}/disable"),
    "delete": delete(ONE),
    "run_now": submits(post, f"{ONE}/run"),
    "preview": _preview,
    "history": whole(f"{ONE}/history"),
    "lasting_plan": at_home,
}

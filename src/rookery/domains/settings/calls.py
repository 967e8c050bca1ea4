"""The verbs of settings over the API."""

from __future__ import annotations

from typing import Any

from rookery.domains.settings.document import SettingInfo
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
    put,
    whole,
)

ONE = "/settings/{key}"


def _by_key(arguments: Arguments, _answers: Any) -> Steps:
    found = yield from pages("/settings")(arguments, list[SettingInfo])
    return {each.key: each for each in found}


def _unset(arguments: Arguments, answers: Any) -> Steps:
    key = arguments["key"]
    yield from delete(f"{ONE}/value")(arguments, None)
    return (yield from get(ONE)({"key": key}, answers))


CALLS: Calls = {
    "list": pages("/settings"),
    "by_category": pages("/settings"),
    "by_key": _by_key,
    "get": get(ONE),
    "value": get(ONE, reads=SettingInfo, then=lambda setting: setting.value),
    "update_value": put(ONE),
    "unset": _unset,
    "create": post("/settings"),
    "initialise": at_home,
    "update": patch(ONE),
    "delete": delete(ONE),
    "history": whole(f"{ONE}/history"),
}
